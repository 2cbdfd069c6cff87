# Sourced: the cache directory, and the search paths by which its files are found after those of the system.
: "${UPDRAFT_CACHE:=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/updraft}"
export UPDRAFT_CACHE
updraft_root=$UPDRAFT_CACHE/debian/root
updraft_triple=$(uname -m)-linux-gnu
# Wrappers for unpacked programs that need their library paths: make, g++, maven, python3, redis-cli, mosquitto_pub, ...
PATH=$PATH:$UPDRAFT_CACHE/bin
if [ -n "${HOME:-}" ] && [ -d "$HOME/.cargo/bin" ]; then
    PATH=$PATH:$HOME/.cargo/bin
fi
export PATH
