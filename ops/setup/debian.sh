# Sourced by setup.sh: Debian packages without root. A private package index resolves the missing packages, and the
# packages are unpacked side by side into one directory; wrappers in the cache's bin/ name its libraries.

private_apt() {
    local apt=$UPDRAFT_CACHE/debian/apt
    mkdir -p "$apt/state/lists/partial" "$apt/cache/archives/partial"
    "$@" \
        -o Dir::State="$apt/state" \
        -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$apt/cache" \
        -o Debug::NoLocking=1 \
        -o APT::Sandbox::User="$(id -un)" \
        -o Acquire::Retries=3 \
        -o APT::Install-Recommends=0
}

private_apt_get() {
    private_apt apt-get "$@"
}

# unpack PACKAGE...: the packages and their missing dependencies.
unpack() {
    local debs=$UPDRAFT_CACHE/debian/debs wanted deb
    mkdir -p "$debs" "$updraft_root"
    private_apt_get -q update
    wanted=$(private_apt_get -qq -s install "$@" | awk '$1 == "Inst" { print $2 }')
    if [ -n "$wanted" ]; then
        # shellcheck disable=SC2086  # one argument per package
        (cd "$debs" && private_apt_get -q download $wanted)
    fi
    for deb in "$debs"/*.deb; do
        [ -e "$deb" ] || continue
        dpkg-deb -x "$deb" "$updraft_root"
        rm -f "$deb"
    done
    absolute_links_stay_inside
    broken_links_mean_the_system
    compiler_is_complete
    wrap_programs
}

# unpack_alone PACKAGE...: these packages and nothing that they depend on: for programs that are one file.
unpack_alone() {
    local debs=$UPDRAFT_CACHE/debian/alone deb
    mkdir -p "$debs" "$updraft_root"
    private_apt_get -q update
    (cd "$debs" && private_apt_get -q download "$@")
    for deb in "$debs"/*.deb; do
        dpkg-deb -x "$deb" "$updraft_root"
        rm -f "$deb"
    done
    wrap_programs
}

# A link such as /usr/share/maven/conf -> /etc/maven means the unpacked /etc/maven, where there is one; a link to its
# own path in the system was made by compiler_is_complete.
absolute_links_stay_inside() {
    local link target
    find "$updraft_root" -type l -lname '/*' | while IFS= read -r link; do
        target=$(readlink "$link")
        case $target in
        "$updraft_root"/* | "${link#"$updraft_root"}") ;;
        *) [ ! -e "$updraft_root$target" ] || ln -sfn "$updraft_root$target" "$link" ;;
        esac
    done
}

# A link to a file that was not unpacked, because the system has it.
broken_links_mean_the_system() {
    local link target
    find "$updraft_root" -xtype l | while IFS= read -r link; do
        target=$(realpath -ms "$(dirname "$link")/$(readlink "$link")")
        target=${target#"$updraft_root"}
        [ ! -e "$target" ] || ln -sfn "$target" "$link"
    done
}

# An unpacked g++ looks beside itself for the parts that it shares with the system's gcc.
compiler_is_complete() {
    local dir part
    for dir in "$updraft_root/usr/lib/gcc/$updraft_triple"/*; do
        for part in "/usr/lib/gcc/$updraft_triple/${dir##*/}"/*; do
            [ -e "$dir/${part##*/}" ] || [ ! -e "$part" ] || ln -s "$part" "$dir/"
        done
    done
}

library_path() {
    printf '%s' "$updraft_root/usr/lib/$updraft_triple:$updraft_root/lib/$updraft_triple:$updraft_root/usr/lib/$updraft_triple/pulseaudio"
}

# wrap NAME PATH: bin/NAME runs PATH with the unpacked libraries.
wrap() {
    mkdir -p "$UPDRAFT_CACHE/bin"
    printf '#!/bin/sh\nLD_LIBRARY_PATH=%s${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH} exec %s "$@"\n' "$(library_path)" "$2" \
        >"$UPDRAFT_CACHE/bin/$1"
    chmod +x "$UPDRAFT_CACHE/bin/$1"
}

wrap_programs() {
    local name path
    for name in redis-server redis-cli mosquitto mosquitto_pub mosquitto_sub make jq promtool prometheus amtool \
        prometheus-alertmanager; do
        for path in "$updraft_root/usr/bin/$name" "$updraft_root/usr/sbin/$name"; do
            [ ! -x "$path" ] || wrap "$name" "$path"
        done
    done
    for path in "$updraft_root/usr/bin/$updraft_triple-g++"-[0-9]*; do
        [ ! -x "$path" ] || wrap g++ "$path"
    done
    for path in "$updraft_root"/usr/bin/python3.[0-9]*; do
        case $path in *config) continue ;; esac
        [ ! -x "$path" ] || wrap python3 "$path"
    done
    [ ! -x "$updraft_root/usr/share/maven/bin/mvn" ] || wrap mvn "$updraft_root/usr/share/maven/bin/mvn"
    [ ! -x "$updraft_root/usr/lib/chromium/chromium" ] || wrap_chromium
    for name in curl jq; do
        [ ! -x "$updraft_root/usr/bin/$name" ] || wrap "$name" "$updraft_root/usr/bin/$name"
    done
}

# Chromium finds its fonts through a configuration with absolute paths, so it gets one of its own.
wrap_chromium() {
    local fonts=$updraft_root/fonts.conf
    cat >"$fonts" <<EOF
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>$updraft_root/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
  <include ignore_missing="yes">/etc/fonts/conf.d</include>
</fontconfig>
EOF
    wrap chromium "env FONTCONFIG_FILE=$fonts $updraft_root/usr/lib/chromium/chromium"
    [ ! -x "$updraft_root/usr/lib/chromium/chromium-headless-shell" ] ||
        wrap chromium-headless-shell "env FONTCONFIG_FILE=$fonts $updraft_root/usr/lib/chromium/chromium-headless-shell"
}
