#!/usr/bin/env bash
# The units as systemd reads them, in a root of their own, and how much of the machine each can still reach.
set -euo pipefail
cd "$(dirname "$0")/../systemd"
command -v systemd-analyze >/dev/null || { echo "check-ops: systemd-analyze is needed; bring it with: apt-get install systemd" >&2; exit 1; }
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root"/{usr/local/bin,usr/local/lib/updraft/bin,usr/bin,bin,etc/systemd/system,usr/lib/systemd/system,usr/local/share/doc/updraft}
for program in bin/updraft bin/bridge bin/processor bin/pusher lib/updraft/bin/python3; do
    printf '#!/bin/sh\n' >"$root/usr/local/$program"
done
# What the units start besides is named by docs/one-server.md, or a part of every Debian.
for needed in '^apt-get install .*sqlite3' '^python3 -m venv /usr/local/lib/updraft '; do
    grep -q "$needed" ../../docs/one-server.md || { echo "check-ops: docs/one-server.md has no line with $needed" >&2; exit 1; }
done
printf '#!/bin/sh\n' | tee "$root/usr/bin/sqlite3" "$root/usr/bin/install" >"$root/bin/mv"
chmod +x "$root"/usr/local/bin/* "$root"/usr/local/lib/updraft/bin/* "$root"/usr/bin/* "$root/bin/mv"
for target in network-online multi-user timers sysinit basic shutdown; do
    printf '[Unit]\nDescription=%s\n' "$target" >"$root/usr/lib/systemd/system/$target.target"
done
cp ./*.service ./*.timer "$root/etc/systemd/system/"
for unit in updraft updraft-bridge updraft-processor@ updraft-pusher; do
    mkdir -p "$root/etc/systemd/system/$unit.service.d"
    cp hardening.conf "$root/etc/systemd/system/$unit.service.d/"
done
units=(updraft.service updraft-bridge.service updraft-processor@run.service updraft-pusher.service updraft-backup.service updraft-backup.timer updraft-topics-backup.service updraft-topics-backup.timer)
said=$(systemd-analyze verify --root="$root" --man=no --recursive-errors=no "${units[@]}" 2>&1) || { echo "$said" >&2; exit 1; }
[ -z "$said" ] || { echo "$said" >&2; exit 1; }
for unit in "${units[@]:0:4}"; do
    # 0 reaches nothing, 10 everything.
    systemd-analyze security --offline=true --root="$root" --threshold=20 --no-pager "$unit" >"$root/said" || { tail -n 3 "$root/said" >&2; exit 1; }
done
echo "systemd: ${#units[@]} units are read, and the programs reach next to nothing of the machine"
