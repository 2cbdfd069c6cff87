# Runs a command until it ends. When our standard input ends, its owner has ended: then kills the complete process
# group. usage: sh -c "$(cat supervise.sh)" supervise LOG COMMAND...
log=$1
shift
exec 3<&0
# The child prints its id when its group exists, so that the reader can kill the group immediately.
setsid sh -c 'echo "$$"; log=$1; shift; exec setpriv --pdeathsig KILL -- "$@" >>"$log" 2>&1' \
    child "$log" "$@" </dev/null 3<&- &
service=$!
exec >/dev/null
(
    read -r _ <&3
    # The child may not have its own group yet.
    kill -s KILL -- "-$service" || kill -s KILL "$service"
) 2>/dev/null &
watcher=$!
wait "$service"
code=$?
# Kill processes that the service left behind in its group.
kill -s KILL -- "-$service" 2>/dev/null
kill "$watcher" 2>/dev/null
exit "$code"
