#!/bin/bash
# Builds the map page into pusher/web/dist, unless that is newer than all that it is made of.
set -euo pipefail
cd "$(dirname "$0")/../../pusher/web"

sources=(package.json package-lock.json index.html vite.config.ts tsconfig.json src public scripts ../../schemas/proto)
existing=()
for source in "${sources[@]}"; do
    [ ! -e "$source" ] || existing+=("$source")
done
# What the build itself writes below src/ is no source.
if [ -e dist/index.html ] &&
    [ -z "$(find "${existing[@]}" -type f -newer dist/index.html -not -path 'src/live/proto*' -not -path 'src/basemap/data*' -print -quit)" ]; then
    echo "web: the map page is up to date"
    exit 0
fi
if [ ! -e node_modules/.package-lock.json ] || [ package-lock.json -nt node_modules/.package-lock.json ]; then
    echo "web: npm ci ..."
    npm ci --no-audit --no-fund --no-update-notifier --loglevel=error
fi
echo "web: building the map page ..."
npm run --silent build
touch dist/index.html
echo "web: built"
