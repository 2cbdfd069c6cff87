#!/usr/bin/env bash
# Makes the secrets of docker-compose.prod.yml in a folder: an authority of its own, a certificate for Kafka, the MQTT
# broker and each program, passwords, and the files of monitoring to fill in. Existing files stay: to renew a file, remove it and run
# this again.
#
#   ops/docker/make-secrets.sh [FOLDER]        default: secrets
#
# UPDRAFT_HOST: name of the map, for the broker's certificate too. UPDRAFT_CERTIFICATE_DAYS: how long certificates last (825).
set -euo pipefail
umask 077
folder=${1:-secrets}
ops=$(cd "$(dirname "$0")/.." && pwd)
days=${UPDRAFT_CERTIFICATE_DAYS:-825}
programs=(admin bridge processor thermals receivers historian archive accounts pusher topics)
mkdir -p "$folder"
cd "$folder"
# As the last run left them, only root could write them.
find . -maxdepth 1 -type f -exec chmod u+w {} +

# quietly COMMAND...: what it says on standard error is shown when it fails.
quietly() {
    "$@" 2>.said || { cat .said >&2; rm -f .said; return 1; }
    rm -f .said
}

password() {
    openssl rand -hex 24
}

if [ ! -e ca.pem ]; then
    quietly openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=updraft authority" \
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem
    echo "ca.pem: made, for ten years; keep ca.key elsewhere"
fi

# certificate NAME COMMON-NAME ALTERNATIVE-NAMES
certificate() {
    local name=$1 common=$2 names=$3
    [ ! -e "$name.crt" ] || return 0
    quietly openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$common" -keyout "$name.key" -out "$name.csr"
    quietly openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -out "$name.crt" \
        -extfile <(printf 'subjectAltName=%s\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' "$names")
    rm "$name.csr"
    echo "$name.crt: made, for $days days"
}

certificate kafka kafka DNS:kafka,DNS:localhost
certificate mqtt mqtt "DNS:mqtt,DNS:localhost${UPDRAFT_HOST:+,DNS:$UPDRAFT_HOST}"
for program in "${programs[@]}"; do
    certificate "$program" "updraft-$program" "DNS:updraft-$program"
done
# Kafka reads key and certificate from one file.
for name in kafka admin; do
    [ "$name.pem" -nt "$name.crt" ] || cat "$name.key" "$name.crt" >"$name.pem"
done
[ -e kafka_admin.properties ] ||
    printf 'security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=/run/secrets/admin.pem\nssl.truststore.type=PEM\nssl.truststore.location=/run/secrets/ca.pem\n' >kafka_admin.properties

if [ ! -e mqtt_passwords ]; then
    password >mqtt_bridge
    # mosquitto_passwd hashes passwords in clear text.
    printf 'bridge:%s\n' "$(cat mqtt_bridge)" >mqtt_passwords
    if command -v mosquitto_passwd >/dev/null; then
        mosquitto_passwd -U mqtt_passwords
    else
        docker run --rm -v "$PWD:/secrets" eclipse-mosquitto:2.0.22 mosquitto_passwd -U /secrets/mqtt_passwords
    fi
    echo "mqtt_passwords: made with the bridge; add a receiver with mosquitto_passwd -b mqtt_passwords RECEIVER-ID PASSWORD"
fi

if [ ! -e redis_users.acl ]; then
    processor=$(password) pusher=$(password) monitor=$(password)
    hash() { printf %s "$1" | sha256sum | cut -d ' ' -f 1; }
    sed -e "s/\${processor}/$(hash "$processor")/" -e "s/\${pusher}/$(hash "$pusher")/" -e "s/\${monitor}/$(hash "$monitor")/" \
        "$ops/redis/users.acl" >redis_users.acl
    printf 'redis://processor:%s@redis:6379' "$processor" >redis_processor_url
    printf 'redis://pusher:%s@redis:6379' "$pusher" >redis_pusher_url
    printf %s "$monitor" >redis_monitor
    printf '{"redis://monitor@redis:6379":"%s"}' "$monitor" >redis_exporter.json
    echo "redis_users.acl: made"
fi

if [ ! -e clickhouse_users.xml ]; then
    owner=$(password) historian=$(password) reader=$(password) backup=$(password) admin=$(password)
    # user NAME PASSWORD: with the privileges that its program has.
    user() {
        local privileges
        privileges=$(jq -r ".$1 | join(\", \")" "$ops/clickhouse/privileges.json")
        printf '    <updraft_%s><password_sha256_hex>%s</password_sha256_hex><networks><ip>::/0</ip></networks>' "$1" "$(printf %s "$2" | sha256sum | cut -d ' ' -f 1)"
        printf '<profile>default</profile><quota>default</quota><grants><query>GRANT %s ON updraft.*</query></grants></updraft_%s>\n' "$privileges" "$1"
    }
    {
        printf '<clickhouse><users>\n    <default remove="remove"/>\n'
        user owner "$owner"
        user historian "$historian"
        user reader "$reader"
        user backup "$backup"
        # A person in the container alone: to restore, to drop.
        printf '    <updraft_admin><password_sha256_hex>%s</password_sha256_hex><networks><ip>127.0.0.1</ip><ip>::1</ip></networks>' "$(printf %s "$admin" | sha256sum | cut -d ' ' -f 1)"
        printf '<profile>default</profile><quota>default</quota><grants><query>GRANT ALL ON *.*</query></grants></updraft_admin>\n'
        printf '</users></clickhouse>\n'
    } >clickhouse_users.xml
    printf %s "$admin" >clickhouse_admin
    printf 'http://updraft_owner:%s@clickhouse:8123' "$owner" >clickhouse_owner_url
    printf 'http://updraft_historian:%s@clickhouse:8123' "$historian" >clickhouse_historian_url
    printf 'http://updraft_reader:%s@clickhouse:8123' "$reader" >clickhouse_reader_url
    printf 'http://updraft_backup:%s@clickhouse:8123' "$backup" >clickhouse_backup_url
    echo "clickhouse_users.xml: made"
fi

[ -e grafana_admin ] || password >grafana_admin
# to_fill_in NAME WHAT: alerts leave this installation with what belongs in there.
to_fill_in() {
    [ -e "$1" ] || : >"$1"
    [ -s "$1" ] || echo "$1: empty. Write $2 into it, without a line break"
}
to_fill_in pagerduty_key "the routing key of the pager"
to_fill_in slack_url "the address of the chat's webhook"
to_fill_in smtp_password "the password of the mail server"
if [ ! -e alertmanager.yml ]; then
    cp "$ops/monitoring/alertmanager/alertmanager.yml" .
    echo "alertmanager.yml: copied. Replace the addresses of example.org, and take out receivers that you do not have"
fi
[ -e certificates.json ] || printf '[{ "targets": ["mqtt:8883"%s] }]\n' "${UPDRAFT_HOST:+, \"$UPDRAFT_HOST:443\"}" >certificates.json

# Containers run as other users, and mount single files: those may be read by all. The folder may not.
chmod 700 .
chmod 444 ./*
chmod 400 ca.key
chmod 644 pagerduty_key slack_url smtp_password alertmanager.yml certificates.json
echo "secrets: all is in $PWD"
