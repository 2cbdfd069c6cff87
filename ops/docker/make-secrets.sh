#!/usr/bin/env bash
# Makes the secrets of docker-compose.prod.yml in a folder: an authority of its own, a certificate for Kafka, the MQTT
# broker and each program, and passwords. Existing files stay: to renew a file, remove it and run this again.
#
#   ops/docker/make-secrets.sh [FOLDER]        default: secrets
set -euo pipefail
umask 077
folder=${1:-secrets}
ops=$(cd "$(dirname "$0")/.." && pwd)
days=${UPDRAFT_CERTIFICATE_DAYS:-825}
programs=(admin bridge processor thermals receivers historian archive accounts pusher topics)
mkdir -p "$folder"
cd "$folder"

password() {
    openssl rand -hex 24
}

if [ ! -e ca.pem ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 3650 -subj "/CN=updraft authority" \
        -addext basicConstraints=critical,CA:true -addext keyUsage=critical,keyCertSign,cRLSign -keyout ca.key -out ca.pem 2>/dev/null
    echo "ca.pem: made, for ten years; keep ca.key elsewhere"
fi

# certificate NAME COMMON-NAME ALTERNATIVE-NAMES
certificate() {
    local name=$1 common=$2 names=$3
    [ ! -e "$name.crt" ] || return 0
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$common" -keyout "$name.key" -out "$name.csr" 2>/dev/null
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days "$days" -out "$name.crt" \
        -extfile <(printf 'subjectAltName=%s\nkeyUsage=critical,digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n' "$names") 2>/dev/null
    rm "$name.csr"
    echo "$name.crt: made, for $days days"
}

certificate kafka kafka DNS:kafka,DNS:localhost
certificate mqtt mqtt "DNS:mqtt,DNS:localhost${UPDRAFT_HOST:+,DNS:$UPDRAFT_HOST}"
for program in "${programs[@]}"; do
    certificate "$program" "updraft-$program" "DNS:updraft-$program"
done
# Kafka reads key and certificate from one file.
[ -e kafka.pem ] || cat kafka.key kafka.crt >kafka.pem
[ -e kafka_admin.properties ] || {
    cat admin.key admin.crt >admin.pem
    printf 'security.protocol=SSL\nssl.keystore.type=PEM\nssl.keystore.location=/run/secrets/admin.pem\nssl.truststore.type=PEM\nssl.truststore.location=/run/secrets/ca.pem\n' >kafka_admin.properties
}

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
    owner=$(password) historian=$(password) reader=$(password) backup=$(password)
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
        printf '</users></clickhouse>\n'
    } >clickhouse_users.xml
    printf 'http://updraft_owner:%s@clickhouse:8123' "$owner" >clickhouse_owner_url
    printf 'http://updraft_historian:%s@clickhouse:8123' "$historian" >clickhouse_historian_url
    printf 'http://updraft_reader:%s@clickhouse:8123' "$reader" >clickhouse_reader_url
    printf 'http://updraft_backup:%s@clickhouse:8123' "$backup" >clickhouse_backup_url
    echo "clickhouse_users.xml: made"
fi

# Containers run as other users, and mount single files: those may be read by all. The folder may not.
chmod 700 .
chmod 444 ./*
chmod 400 ca.key
echo "secrets: all is in $PWD"
