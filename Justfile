# The front door. `just` alone lists the recipes; without just installed: `npx -y rust-just RECIPE`.

set shell := ["bash", "-euo", "pipefail", "-c"]

# What setup unpacked is found after what the system has.

export UPDRAFT_CACHE := env("UPDRAFT_CACHE", env("XDG_CACHE_HOME", env("HOME", justfile_directory()) / ".cache") / "updraft")
export PATH := env("PATH") + ":" + UPDRAFT_CACHE / "bin" + ":" + env("HOME", "") / ".cargo/bin"

import "ops/just/run.just"
import "ops/just/test.just"
import "ops/just/stack.just"
import "ops/just/bench.just"

[private]
default:
    @{{ just_executable() }} --justfile {{ justfile() }} --list --unsorted
