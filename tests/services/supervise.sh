# Runs a command until it ends, or until our standard input does: then its owner is gone and the whole process group dies.
# usage: sh -c "$(cat supervise.sh)" supervise LOG COMMAND...
log=$1
shift
exec 3<&0
setsid setpriv --pdeathsig KILL -- "$@" </dev/null >>"$log" 2>&1 3<&- &
service=$!
echo "$service"
exec >/dev/null
(
    read -r _ <&3
    kill -s KILL -- "-$service"
) 2>/dev/null &
watcher=$!
wait "$service"
code=$?
# What the service left behind in its group goes with it.
kill -s KILL -- "-$service" 2>/dev/null
kill "$watcher" 2>/dev/null
exit "$code"
