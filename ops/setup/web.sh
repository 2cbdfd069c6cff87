#!/bin/bash
# Builds the map page and the operators' page into pusher/web/dist, unless that is newer than all that it is made of.
set -euo pipefail
cd "$(dirname "$0")/../../pusher/web"

client=../../clients/web
sources=(package.json package-lock.json index.html operate.html vite.config.ts tsconfig.json src public scripts
    "$client/package.json" "$client/package-lock.json" "$client/src" "$client/scripts" ../../schemas/proto ../../schemas/src/wire.rs ../../crates/flight/src/units.rs)
existing=()
for source in "${sources[@]}"; do
    [ ! -e "$source" ] || existing+=("$source")
done
# Files that the build itself writes below src/ are no sources.
if [ -e dist/index.html ] && [ -e dist/operate.html ] &&
    [ -z "$(find "${existing[@]}" -type f -newer dist/index.html -not -path "$client/src/proto*" -not -path 'src/basemap/data*' -print -quit)" ]; then
    echo "web: the map page is up to date"
    exit 0
fi
# is_installed DIR: whether the packages of a folder are those of its lock file.
is_installed() {
    [ -e "$1/node_modules/.package-lock.json" ] && [ ! "$1/package-lock.json" -nt "$1/node_modules/.package-lock.json" ]
}
# Installs the packages of the client too.
if ! is_installed . || ! is_installed "$client"; then
    echo "web: npm ci ..."
    npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
fi
echo "web: building the map page ..."
npm run --silent build
touch dist/index.html
echo "web: built"
