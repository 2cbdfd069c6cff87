#!/bin/sh
# Backs up the history every night, by ClickHouse itself: updraft-DATE.zip, dates in UTC. Each day has one backup, made at 02:30 or
# when this starts later, the first of all at once; one that failed is tried again after ten minutes.
#
#   nightly-backup.sh           until it is stopped
#   nightly-backup.sh once      that of today, now, and its error
#
# UPDRAFT_CLICKHOUSE_URL or UPDRAFT_CLICKHOUSE_URL_FILE: with the user and password. BACKUPS: the folder of the backups, as seen
# from here (/backups). BACKUP_TO: where ClickHouse writes, as in its BACKUP statement, %s for the file
# (Disk('backups', '%s')). Beside the backups history.prom says when the newest was made, to the node exporter. BACKUPS_KEPT: so many stay (14). BACKUP_FORM: what the name ends with (.zip); empty for a folder.
set -eu
folder=${BACKUPS:-/backups}
to=${BACKUP_TO:-"Disk('backups', '%s')"}
kept=${BACKUPS_KEPT:-14}
form=${BACKUP_FORM-.zip}
from=0230

url() {
    if [ -n "${UPDRAFT_CLICKHOUSE_URL_FILE:-}" ]; then
        cat "$UPDRAFT_CLICKHOUSE_URL_FILE"
    else
        printf %s "${UPDRAFT_CLICKHOUSE_URL:?nightly-backup: UPDRAFT_CLICKHOUSE_URL is not set}"
    fi
}

backup() {
    file=updraft-$(date -u +%F)$form
    [ ! -e "$folder/$file" ] || return 0
    # shellcheck disable=SC2059
    where=$(printf "$to" "$file")
    # Repeated by the next round only: a second BACKUP beside the first is refused.
    if ! answer=$(wget -qO- --content-on-error --auth-no-challenge --tries=1 --timeout=7200 --post-data "BACKUP DATABASE updraft TO $where" "$(url)/" 2>&1); then
        echo "nightly-backup: $file was not made: $answer" >&2
        return 1
    fi
    [ -e "$folder/$file" ] || {
        echo "nightly-backup: ClickHouse made $file elsewhere: it is not in $folder" >&2
        return 1
    }
    echo "nightly-backup: $file, $(du -sk "$folder/$file" | cut -f 1) KiB"
    printf 'updraft_backup_seconds{what="history"} %s\n' "$(date +%s)" >"$folder/history.prom.new"
    mv "$folder/history.prom.new" "$folder/history.prom"
    # Names sort as their dates.
    for old in $(find "$folder" -maxdepth 1 -name "updraft-????-??-??$form" | sort -r | tail -n "+$((kept + 1))"); do
        rm -r -- "$old"
        echo "nightly-backup: $old is removed: the newest $kept stay"
    done
}

is_due() {
    [ "$(date -u +%H%M)" -ge "$from" ] || [ -z "$(find "$folder" -maxdepth 1 -name "updraft-????-??-??$form")" ]
}

case ${1:-} in
once) backup ;;
"")
    trap 'exit 0' TERM INT
    while :; do
        if is_due; then backup || true; fi
        # In the background, so that the trap does not wait for it.
        sleep 600 &
        wait $!
    done
    ;;
*)
    sed -n '2,/^set/s/^# \{0,1\}//p' "$0" >&2
    exit 2
    ;;
esac
