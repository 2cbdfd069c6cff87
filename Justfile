# The recipes of the repository. `just` alone lists them; without just installed: `npx -y rust-just RECIPE`.

set shell := ["bash", "-euo", "pipefail", "-c"]

# Programs of the setup are found after those of the system.

export UPDRAFT_CACHE := env("UPDRAFT_CACHE", env("XDG_CACHE_HOME", env("HOME", justfile_directory()) / ".cache") / "updraft")
export PATH := env("PATH") + ":" + UPDRAFT_CACHE / "bin" + ":" + env("HOME", "") / ".cargo/bin"

import "ops/just/run.just"
import "ops/just/test.just"
import "ops/just/stack.just"
import "ops/just/bench.just"
import "ops/just/ops.just"

[private]
default:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted
