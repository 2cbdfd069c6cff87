#!/usr/bin/env python3
"""Builds the test binaries of the workspace and runs them in parallel, with one set of services for all of them.

    run.py            all tests but the long ones; Kafka, the registry and ClickHouse start once
    run.py --long     those, too: minutes of faults, attacks and freezes (`long` in suites.toml)
    run.py --unit     only tests that need no service: without those that have `redis` in their name
    run.py api air    only binaries whose name contains one of these, the long ones as well

Each binary runs in the directory of its package, as with `cargo test`; its output is printed when it fails. A binary that
hangs is ended after 15 minutes, or the `limit` of suites.toml, with all its child processes. The exit code is 1 when a test
fails. Which of the binaries with services run beside each other follows from suites.toml, which also names suites that are no
test binaries: those of the map page, in a browser.
"""

import argparse
import collections
import concurrent.futures
import contextlib
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
# What a test binary with services takes of a core, in thirds (tests/suites.toml describes the needs).
THIRDS = {"waits": 2, "busy": 3, "heavy": 4, "alone": 1000}


# Of the test binaries without services these begin first: the longest determine the duration.
LONGEST = ["api", "determinism", "pipeline", "generate"]


class Suite:
    """What a test binary with services needs: an entry of suites.toml."""

    def __init__(self, name, entry):
        unknown = entry.keys() - {"needs", "seconds", "threads", "because", "command", "directory", "limit", "long"}
        if unknown or entry.get("needs") not in THIRDS or "seconds" not in entry or "because" not in entry:
            sys.exit(
                f"run: suites.toml: {name}: expected needs (one of {', '.join(THIRDS)}), seconds, because, and perhaps threads, "
                "command, directory, limit and long"
            )
        self.name, self.thirds, self.seconds = name, THIRDS[entry["needs"]], entry["seconds"]
        self.threads, self.limit_s = entry.get("threads", 2), entry.get("limit", LIMIT_S)
        self.is_long = entry.get("long", False)
        self.command, self.directory = entry.get("command"), WORKSPACE / entry.get("directory", "")

    @property
    def order(self):
        """The longest comes first: what begins late must be short, or the cores wait for it at the end."""
        return -self.seconds, self.name


def suites():
    """The entries of suites.toml by name."""
    import tomllib  # From Python 3.11: the tests without services need none.
    entries = tomllib.loads((WORKSPACE / "tests/suites.toml").read_text())
    return {name: Suite(name, entry) for name, entry in entries.items()}


class Binary:
    """A test executable, from a message of cargo."""

    def __init__(self, message):
        target = message["target"]
        manifest = pathlib.Path(message["manifest_path"])
        self.command = [message["executable"]]
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


class Program:
    """A suite that is no test binary: a command of suites.toml."""

    needs_services = True

    def __init__(self, suite):
        self.suite, self.command, self.package_dir = suite, suite.command, suite.directory
        self.package = self.target = suite.name
        self.name = f"{suite.directory.name} {suite.name}"


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
    """The shared services: they start with this object, and stop at the end of its context."""

    KINDS = ["kafka", "registry", "clickhouse"]

    def __init__(self):
        program = WORKSPACE / "target/debug/stack"
        self.folder = tempfile.TemporaryDirectory()
        self.env_file = pathlib.Path(self.folder.name) / "stack.env"
        environment = {**os.environ, "UPDRAFT_STACK_ENV": str(self.env_file)}
        self.process = subprocess.Popen([program, *self.KINDS], env=environment, stdout=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def addresses(self):
        """Waits until they are ready and returns their addresses by variable."""
        deadline = time.monotonic() + 180
        while not (self.env_file.exists() and self.env_file.read_text()):
            if self.process.poll() is not None or time.monotonic() > deadline:
                sys.exit("run: the services did not start; their messages are above")
            time.sleep(0.1)
        pairs = (line.removeprefix("export ").split("=", 1) for line in self.env_file.read_text().splitlines())
        # The programs' settings stay unset: each test sets them.
        return {name: value for name, value in pairs if not name.startswith("UPDRAFT_")}

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.folder.cleanup()


Result = collections.namedtuple("Result", "binary code seconds cpu_seconds output")


def run(binary, environment, arguments):
    """Runs a binary and returns its exit code, seconds, seconds of CPU (its own and its children's) and output."""
    began = time.monotonic()
    own_arguments = arguments if isinstance(binary, Binary) else []
    limit_s = binary.suite.limit_s if binary.needs_services else LIMIT_S
    command = ["timeout", "--signal=ABRT", "--kill-after=10", str(limit_s), *binary.command, *own_arguments]
    environment = {
        **os.environ,
        **environment,
        "CARGO_MANIFEST_DIR": str(binary.package_dir),
        "CARGO_PKG_NAME": binary.package,
    }
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(command, cwd=binary.package_dir, env=environment, stdout=output, stderr=output)
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read().decode(errors="replace")
    return Result(binary, process.returncode, time.monotonic() - began, used.ru_utime + used.ru_stime, text)


def passed(output):
    """The number of passed tests: of cargo's reports, and of vitest's."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", output)
    return sum(int(n) for n in re.findall(r"(?:test result: |^ +Tests  ).*?(\d+) passed", plain, re.MULTILINE))


class Report:
    """Prints a line for each binary that has ended, and the output of one that failed."""

    def __init__(self, count):
        self.count, self.results = count, []

    def add(self, result):
        self.results.append(result)
        verdict = f"{passed(result.output)} passed" if result.code == 0 else f"FAILED (exit code {result.code})"
        spent = f"{result.seconds:.1f} s, {result.cpu_seconds:.1f} s of CPU"
        print(f"run: {len(self.results)}/{self.count} {result.binary.name}: {verdict}, {spent}", flush=True)
        if result.code:
            print(result.output, flush=True)


def run_in_order(binaries, jobs, arguments, report):
    """Runs the binaries that need no service. They wait for a part of their time: one more than there are cores at once."""
    order = {name: index for index, name in enumerate(LONGEST)}
    binaries = sorted(binaries, key=lambda binary: order.get(binary.target, len(order)))
    with concurrent.futures.ThreadPoolExecutor(jobs + 1) as pool:
        threads = {"RUST_TEST_THREADS": str(4 * jobs)}
        running = [pool.submit(run, binary, threads, arguments) for binary in binaries]
        for done in concurrent.futures.as_completed(running):
            report.add(done.result())


def run_planned(binaries, environment, jobs, arguments, report):
    """Runs the binaries with services: at each moment as many as the cores carry, in the order of the suites."""
    waiting = sorted(binaries, key=lambda binary: binary.suite.order)
    capacity = 3 * jobs
    running, free, slots = {}, capacity, set(range(capacity))
    with concurrent.futures.ThreadPoolExecutor(capacity) as pool:
        while waiting or running:
            for binary in list(waiting):
                # One that needs more than there is runs alone.
                thirds = min(binary.suite.thirds, capacity)
                if thirds <= free:
                    waiting.remove(binary)
                    free -= thirds
                    slot = min(slots)
                    slots.remove(slot)
                    # Each has ports of its own, and a number of threads that fits its waiting.
                    own = {"UPDRAFT_TEST_SLOT": str(slot), "RUST_TEST_THREADS": str(binary.suite.threads)}
                    running[pool.submit(run, binary, {**environment, **own}, arguments)] = thirds, slot
            done, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
            for ended in done:
                thirds, slot = running.pop(ended)
                free += thirds
                slots.add(slot)
                report.add(ended.result())


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="parts of the names of binaries")
    tier = parser.add_mutually_exclusive_group()
    tier.add_argument("--unit", action="store_true", help="only tests that need no service")
    tier.add_argument("--long", action="store_true", help="the long suites, too: minutes of faults, attacks and freezes")
    parser.add_argument("--jobs", type=int, default=2, help="number of cores to fill (2)")
    parser.add_argument("--times", type=pathlib.Path, help="write the seconds of each binary to this file, as Markdown")
    parser.add_argument("--locked", action="store_true", help="pass --locked to cargo")
    options, arguments = parser.parse_known_args()
    began = time.monotonic()
    binaries = built(["--locked"] if options.locked else [])
    known = {} if options.unit else suites()
    binaries += [Program(suite) for suite in known.values() if suite.command]
    if options.unit:
        binaries = [binary for binary in binaries if not binary.needs_services]
        arguments += ["--skip", "redis"]
    if options.names:
        binaries = [binary for binary in binaries if any(name in binary.name for name in options.names)]
    if not binaries:
        sys.exit("run: no test binary matches: give a part of a name, for example `api`")
    unit = [binary for binary in binaries if not binary.needs_services]
    with_services = [binary for binary in binaries if binary.needs_services]
    for binary in with_services:
        if binary.target not in known:
            sys.exit(f"run: tests/suites.toml does not say what {binary.target} needs: add an entry")
        binary.suite = known[binary.target]
    targets = {binary.target for binary in with_services}
    if not options.names and known.keys() - targets:
        sys.exit(f"run: tests/suites.toml has entries without a test: {', '.join(sorted(known.keys() - targets))}")
    print(f"run: {len(binaries)} test binaries built after {time.monotonic() - began:.0f} s", flush=True)
    if not options.long and not options.names:
        left_out = [binary.target for binary in with_services if binary.suite.is_long]
        with_services = [binary for binary in with_services if not binary.suite.is_long]
        binaries = unit + with_services
        if left_out:
            print(f"run: without the long suites (--long): {', '.join(sorted(left_out))}", flush=True)
    report = Report(len(binaries))
    # The services start while tests without them run.
    with Services() if with_services else contextlib.nullcontext() as services:
        run_in_order(unit, options.jobs, arguments, report)
        if with_services:
            run_planned(with_services, services.addresses(), options.jobs, arguments, report)
    results = report.results
    if options.times:
        slowest_first = sorted(results, key=lambda result: -result.seconds)
        lines = [f"| {r.binary.name} | {r.seconds:.1f} | {r.cpu_seconds:.1f} |" for r in slowest_first]
        head = ["| binary | seconds | CPU seconds, without the shared services |", "| --- | --- | --- |"]
        options.times.write_text("\n".join(head + lines) + "\n")
    failed = [result.binary.name for result in results if result.code]
    total = sum(passed(result.output) for result in results)
    print(f"run: {total} tests passed, {len(failed)} binaries failed, {time.monotonic() - began:.0f} s")
    for name in failed:
        print(f"run: FAILED: {name}")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
