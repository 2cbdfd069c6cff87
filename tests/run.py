#!/usr/bin/env python3
"""Builds the test binaries of the workspace and runs them in parallel, with one set of services for all of them.

    run.py            all tests; Kafka, the registry and ClickHouse start once
    run.py --unit     only tests that need no service
    run.py live rest  only binaries whose name contains one of these

Each binary runs in the directory of its package, as with `cargo test`; its output is printed when it fails. A binary that
hangs is ended after 15 minutes, with all its child processes. The exit code is 1 when a test fails.
"""

import argparse
import concurrent.futures
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

WORKSPACE = pathlib.Path(__file__).resolve().parent.parent
LIMIT_S = 900
# These run alone: they freeze and kill services under load, and limit latency, memory or duplicates.
ALONE = {
    "attack",
    "attack_mqtt",
    "bridge_faults",
    "freezes",
    "historian_faults",
    "processor_faults",
    "pusher_faults",
    "streams_faults",
}
# Started first: the longest determine the duration.
LONGEST = [
    "documents",
    "clients",
    "replay",
    "encodings",
    "determinism",
    "limits",
    "live",
]


class Binary:
    """A test executable, from a message of cargo."""

    def __init__(self, message):
        target = message["target"]
        manifest = pathlib.Path(message["manifest_path"])
        self.path = message["executable"]
        self.package_dir = manifest.parent
        self.package = re.sub(r".*[/#]", "", message["package_id"]).split("@")[0]
        self.is_unit = target["kind"] != ["test"]
        self.target = target["name"]
        kind = target["kind"][0]
        self.name = f"{self.package_dir.name} {kind if self.is_unit else target['name']}"

    @property
    def needs_services(self):
        """Whether it needs a service, a browser or a built program: such tests are in the package `tests` only."""
        return self.package_dir.name == "tests" and not self.is_unit


def built(cargo_arguments):
    """Builds all test binaries; cargo prints its messages to standard error."""
    command = ["cargo", "test", "--workspace", "--no-run", "--message-format=json-render-diagnostics", *cargo_arguments]
    with subprocess.Popen(command, cwd=WORKSPACE, stdout=subprocess.PIPE, text=True) as cargo:
        messages = [json.loads(line) for line in cargo.stdout if line.startswith("{")]
    if cargo.returncode:
        sys.exit(f"run: cargo test --no-run failed ({cargo.returncode})")
    artifacts = [m for m in messages if m["reason"] == "compiler-artifact"]
    return [Binary(m) for m in artifacts if m.get("executable") and m["profile"]["test"]]


class Services:
    """The shared services, while this context is open."""

    KINDS = ["kafka", "registry", "clickhouse"]

    def __enter__(self):
        program = WORKSPACE / "target/debug/stack"
        self.folder = tempfile.TemporaryDirectory()
        env_file = pathlib.Path(self.folder.name) / "stack.env"
        environment = {**os.environ, "UPDRAFT_STACK_ENV": str(env_file)}
        self.process = subprocess.Popen([program, *self.KINDS], env=environment, stdout=subprocess.DEVNULL)
        deadline = time.monotonic() + 180
        while not (env_file.exists() and env_file.read_text()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("run: the services did not start; their messages are above")
            time.sleep(0.1)
        pairs = (line.removeprefix("export ").split("=", 1) for line in env_file.read_text().splitlines())
        # The programs' settings stay unset: each test sets them.
        return {name: value for name, value in pairs if not name.startswith("UPDRAFT_")}

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.folder.cleanup()


def run(binary, environment, arguments):
    """Runs a binary and returns its exit code, seconds and output."""
    began = time.monotonic()
    command = ["timeout", "--signal=ABRT", "--kill-after=10", str(LIMIT_S), binary.path, *arguments]
    environment = {
        **os.environ,
        **environment,
        "CARGO_MANIFEST_DIR": str(binary.package_dir),
        "CARGO_PKG_NAME": binary.package,
    }
    with tempfile.TemporaryFile() as output:
        code = subprocess.run(command, cwd=binary.package_dir, env=environment, stdout=output, stderr=output).returncode
        output.seek(0)
        return binary, code, time.monotonic() - began, output.read().decode(errors="replace")


def passed(output):
    """The number of passed tests."""
    return sum(int(n) for n in re.findall(r"test result: .*?(\d+) passed", output))


def run_all(binaries, environment, jobs, arguments):
    """Runs the binaries and prints a line for each; returns the results in the order of completion."""
    results = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        running = [pool.submit(run, binary, environment, arguments) for binary in binaries]
        for done in concurrent.futures.as_completed(running):
            binary, code, seconds, output = done.result()
            results.append((binary, code, seconds, output))
            verdict = f"{passed(output)} passed" if code == 0 else f"FAILED (exit code {code})"
            print(f"run: {len(results)}/{len(binaries)} {binary.name}: {verdict}, {seconds:.1f} s", flush=True)
            if code:
                print(output, flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of the names of binaries")
    parser.add_argument("--unit", action="store_true", help="only tests that need no service")
    parser.add_argument("--jobs", type=int, default=2, help="number of parallel binaries (2)")
    parser.add_argument("--times", type=pathlib.Path, help="write the seconds of each binary to this file, as Markdown")
    parser.add_argument("--locked", action="store_true", help="pass --locked to cargo")
    options, arguments = parser.parse_known_args()
    began = time.monotonic()
    binaries = built(["--locked"] if options.locked else [])
    if options.unit:
        binaries = [binary for binary in binaries if not binary.needs_services]
    if options.names:
        binaries = [binary for binary in binaries if any(name in binary.name for name in options.names)]
    if not binaries:
        sys.exit("run: no test binary matches: give a part of a name, for example `live`")
    order = {name: index for index, name in enumerate(LONGEST)}
    binaries.sort(key=lambda binary: order.get(binary.target, len(order)))
    unit = [binary for binary in binaries if not binary.needs_services]
    alone = [binary for binary in binaries if binary.needs_services and binary.target in ALONE]
    parallel = [binary for binary in binaries if binary.needs_services and binary.target not in ALONE]
    print(f"run: {len(binaries)} test binaries built after {time.monotonic() - began:.0f} s", flush=True)
    results = run_all(unit, {}, options.jobs, arguments)
    if parallel or alone:
        with Services() as environment:
            results += run_all(parallel, environment, options.jobs, arguments)
            results += run_all(alone, environment, 1, arguments)
    if options.times:
        lines = [f"| {b.name} | {s:.1f} |" for b, _, s, _ in sorted(results, key=lambda result: -result[2])]
        options.times.write_text("| binary | seconds |\n| --- | --- |\n" + "\n".join(lines) + "\n")
    failed = [binary.name for binary, code, _, _ in results if code]
    total = sum(passed(output) for _, code, _, output in results)
    print(f"run: {total} tests passed, {len(failed)} binaries failed, {time.monotonic() - began:.0f} s")
    for name in failed:
        print(f"run: FAILED: {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
