# Runs a command until it ends, or until our standard input does: then its owner is gone and the whole process group dies.
# usage: sh -c "$(cat supervise.sh)" supervise LOG COMMAND...
log=$1
shift
exec 3<&0
# The child tells its own id once its group exists: who reads it may kill the group at once.
setsid sh -c 'echo "$$"; log=$1; shift; exec setpriv --pdeathsig KILL -- "$@" >>"$log" 2>&1' \
    child "$log" "$@" </dev/null 3<&- &
service=$!
exec >/dev/null
(
    read -r _ <&3
    # Before it has a group of its own, the child is alone.
    kill -s KILL -- "-$service" || kill -s KILL "$service"
) 2>/dev/null &
watcher=$!
wait "$service"
code=$?
# What the service left behind in its group goes with it.
kill -s KILL -- "-$service" 2>/dev/null
kill "$watcher" 2>/dev/null
exit "$code"
