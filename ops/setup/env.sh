# Sourced: where the cache is, and the search paths that let what lies in it be found after what the system has.
: "${UPDRAFT_CACHE:=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/updraft}"
export UPDRAFT_CACHE
updraft_root=$UPDRAFT_CACHE/debian/root
updraft_triple=$(uname -m)-linux-gnu
# Wrappers for what was unpacked and needs its libraries named: make, g++, maven, python3, redis-cli, mosquitto_pub, ...
PATH=$PATH:$UPDRAFT_CACHE/bin
if [ -n "${HOME:-}" ] && [ -d "$HOME/.cargo/bin" ]; then
    PATH=$PATH:$HOME/.cargo/bin
fi
export PATH
