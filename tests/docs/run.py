"""Executes the code blocks of the documents unchanged (see documents.py), with running services.

    run.py PROGRAMS [DOCUMENT...]

PROGRAMS is the directory of our built programs. The environment has the addresses of the services, as `just up` prints them.
The script executes docs/run-it-for-real.md first, which starts our programs; then the other documents (or those named), each in
a shell of its own and several at once, in a copy of the repository's sources and with the environment of `just up`; and finally
the blocks marked `last`. The only substitutions:

- addresses: `localhost:PORT` of a default port becomes the test's address of that service or program;
- days: 2026-07-14 becomes today, and earlier days as many days before, since the pipeline's rows are of today;
- `python` is the tests' Python, `pip` checks that the package is installed, `npm install` links the tests' packages,
  `just kcat` is its recipe, `cargo run -p NAME` and `--example NAME` are the programs that the test built.
"""
import concurrent.futures
import datetime
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

import documents
from documents import ROOT

FIRST = "docs/run-it-for-real.md"
SOURCES = ("docs", "schemas", "examples", "tests/services", "crates/fanet/tests/fixtures")
# The default admin port of each program.
ADMIN_PORTS = {
    "bridge": 9101, "processor run": 9102, "processor historian": 9103, "pusher": 9104, "processor thermals": 9105,
    "processor receivers": 9106, "updraft": 9107, "processor archive": 9108,
}
HTTP_PORT = 8090
SERVICES = {1883: "MQTT_URL", 6379: "REDIS_URL", 8123: "CLICKHOUSE_URL", 9092: "KAFKA_BOOTSTRAP", 8081: "SCHEMA_REGISTRY_URL"}
DAY = datetime.date(2026, 7, 14)
BLOCK_WITHIN_S = 180
# Documents at once: most of their blocks wait for a program.
AT_ONCE = 4


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Failed(Exception):
    pass


class Sandbox:
    """A copy of the sources, the commands of a reader, and the substitutions."""

    def __init__(self, programs):
        self.dir = Path(tempfile.mkdtemp(prefix="documents-"))
        self.programs = Path(programs).resolve()
        self.ports = {port: free_port() for port in (*ADMIN_PORTS.values(), HTTP_PORT)}
        self.registry = os.environ["SCHEMA_REGISTRY_URL"]
        for port, name in SERVICES.items():
            address = os.environ[name]
            self.ports[port] = urlsplit(address if "://" in address else f"//{address}").port
        for source in SOURCES:
            ignore = shutil.ignore_patterns("node_modules", "__pycache__", "target")
            shutil.copytree(ROOT / source, self.dir / source, ignore=ignore)
        (self.dir / "target").mkdir()
        self.addresses = {name: value for name, value in os.environ.items() if self.is_address(name)}
        exports = (f"export {name}={value}\n" for name, value in self.addresses.items())
        (self.dir / "target/stack.env").write_text("".join(exports))
        self.commands()

    @staticmethod
    def is_address(name):
        return name in SERVICES.values() or (name.startswith("UPDRAFT_") and name.endswith(("_URL", "_BOOTSTRAP")))

    def commands(self):
        bin_dir = self.dir / "bin"
        bin_dir.mkdir()

        def command(name, script):
            path = bin_dir / name
            path.write_text(f"#!/usr/bin/env bash\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)

        for name in ("bridge", "processor", "pusher", "replay", "updraft"):
            listens = "\n".join(
                f'[ "{name}" = "{key}" ] || [ "{name} ${{1:-}}" = "{key}" ] && export UPDRAFT_ADMIN_LISTEN=127.0.0.1:{self.ports[port]}'
                for key, port in ADMIN_PORTS.items() if key.split()[0] == name
            )
            command(name, f"{listens}\nexport UPDRAFT_HTTP_LISTEN=127.0.0.1:{self.ports[HTTP_PORT]}\n"
                          f'exec {self.programs / name} "$@"')
        python = sys.executable
        command("python", f'exec {python} "$@"')
        command("python3", f'exec {python} "$@"')
        command("pip", '[ "$1" = install ] || exit 64\nshift\nfor package; do\n'
                       f'    {python} -m pip show -q "$package" || {{ echo "pip: $package is not installed for the tests"; exit 1; }}\ndone')
        command("npm", f'[ "$*" = install ] && ln -sfn {ROOT}/tests/node/node_modules node_modules')
        command("just", '[ "$1" = kcat ] || { echo "just: only kcat is executed here"; exit 64; }\nshift\n'
                        f'cd {self.dir} && exec {python} tests/services/kcat.py "$@"')
        command("cargo", 'name=\nwhile [ $# -gt 0 ] && [ "$1" != -- ]; do\n'
                         '    case $1 in\n        -p) name=$2; shift ;;\n        --example) name=examples/$2; shift ;;\n'
                         '        run | -q) ;;\n        *) echo "cargo: $1 is not executed here"; exit 64 ;;\n    esac\n    shift\ndone\n'
                         f'shift\nexec {self.programs}/"$name" "$@"')

    def environment(self):
        path = f"{self.dir / 'bin'}:{os.environ['PATH']}"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("UPDRAFT_") or k == "UPDRAFT_CACHE"}
        return environment | {"PATH": path, "PYTHONDONTWRITEBYTECODE": "1", "LC_ALL": "C.UTF-8"}

    def localized(self, code):
        """The code with the addresses and days of this test."""
        code = code.replace("http://localhost:8081", self.registry)
        ports = "|".join(map(str, self.ports))
        code = re.sub(rf"\b({ports})\b", lambda found: str(self.ports[int(found.group(1))]), code)
        return re.sub(r"\b2026-(0[5-9])-(\d\d)(?!\d)", self.today, code)

    @staticmethod
    def today(found):
        day = datetime.date(2026, int(found.group(1)), int(found.group(2)))
        return (datetime.datetime.now(datetime.UTC).date() + (day - DAY)).isoformat()

    def url(self, port):
        return f"http://127.0.0.1:{self.ports[port]}"

    def ask(self, query, form="TSVWithNames"):
        request = urllib.request.Request(f"{self.url(8123)}/?database=updraft&default_format={form}", query.encode())
        try:
            with urllib.request.urlopen(request, timeout=BLOCK_WITHIN_S) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError as error:
            raise Failed(error.read().decode()[:2000]) from None


class Shell:
    """A bash that executes the blocks of a document in order."""

    def __init__(self, sandbox, environment):
        self.sandbox, self.count = sandbox, 0
        self.log = (sandbox.dir / f"shell-{id(self)}.log").open("w+b")
        start = ["bash", "--norc", "-euo", "pipefail"]
        self.bash = subprocess.Popen(start, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.log,
                                     cwd=sandbox.dir, env=environment, text=True)

    def run(self, block):
        self.count += 1
        file = self.sandbox.dir / f"block-{id(self)}-{self.count}.sh"
        file.write_text(self.sandbox.localized(block.code))
        out = self.sandbox.dir / f"block-{id(self)}-{self.count}.out"
        seconds = block.option("for")
        if seconds:
            for_seconds = f"timeout --signal=INT --kill-after=5 {seconds} bash -euo pipefail {file} > {out} 2>&1 || true"
            self.send(f"{for_seconds}; echo done")
        else:
            # In the same shell, to keep its variables and jobs.
            self.send(f". {file} > {out} 2>&1 < /dev/null; echo done")
        answered = self.bash.stdout.readline() if wait_for_line(self.bash.stdout, BLOCK_WITHIN_S) else ""
        output = out.read_text(errors="replace") if out.exists() else ""
        if answered != "done\n":
            self.log.seek(0)
            raise Failed(f"{output[-3000:]}\n{self.log.read().decode(errors='replace')[-1500:]}")
        if seconds and not output.strip():
            raise Failed(f"printed nothing within {seconds}")
        return output

    def send(self, line):
        self.bash.stdin.write(line + "\n")
        self.bash.stdin.flush()


def wait_for_line(stream, seconds):
    import select
    return bool(select.select([stream], [], [], seconds)[0])


def statements(code):
    return [statement for statement in code.split(";\n") if statement.strip()]


def execute(sandbox, shell, block):
    """Executes a block and returns its output."""
    if "parse" in block.options:
        return "".join(sandbox.ask(f"EXPLAIN AST {statement}") for statement in statements(block.code))
    if block.language == "sh":
        return shell.run(block)
    if block.language == "sql":
        answer = sandbox.ask(sandbox.localized(block.code))
        if "rows" in block.options and len(answer.splitlines()) < 2:
            raise Failed("no rows")
        return answer
    if block.language == "python":
        done = subprocess.run([sys.executable, "-c", sandbox.localized(block.code)], cwd=sandbox.dir, env=sandbox.environment(),
                              capture_output=True, text=True, timeout=BLOCK_WITHIN_S)
        if done.returncode:
            raise Failed(done.stdout + done.stderr)
        return done.stdout
    raise Failed(f"a block of {block.language} cannot be executed")


def publishes(name):
    """Whether a document sends frames to the broker."""
    return any(block.runs and "--mqtt" in block.code for block in documents.read(name).blocks)


class Run:
    """The results of the executed documents."""

    def __init__(self, sandbox):
        self.sandbox, self.failures, self.last, self.executed = sandbox, [], [], []
        self.verbose = os.environ.get("DOCUMENTS_VERBOSE")

    def document(self, name):
        """Executes a document up to its first failure."""
        blocks = [block for block in documents.read(name).blocks if block.runs or "parse" in block.options]
        if not blocks:
            return
        # The first document sets the addresses.
        addresses = {} if name == FIRST else self.sandbox.addresses
        shell = Shell(self.sandbox, self.sandbox.environment() | addresses)
        for block in blocks:
            if "last" in block.options:
                self.last.append((shell, block))
                continue
            try:
                output = execute(self.sandbox, shell, block)
                self.executed.append(block.where)
                details = "\n    " + output[:1500].replace("\n", "\n    ") if self.verbose else ""
                print(f"{block.where}: {block.language}: done{details}", flush=True)
            except (Failed, subprocess.TimeoutExpired) as error:
                self.failures.append(f"{block.where}: {error}")
                print(f"FAILED {self.failures[-1]}", flush=True)
                break
        if name != FIRST:
            shell.bash.stdin.close()


def main():
    sandbox = Sandbox(sys.argv[1])
    chosen = sys.argv[2:] or documents.names()
    run = Run(sandbox)
    run.document(FIRST)
    if not run.failures:
        # Refresh the views now, which are refreshed every ten minutes. The historian makes the flights.
        for view in sandbox.ask("SELECT view FROM system.view_refreshes WHERE database = 'updraft'", "TSV").split():
            sandbox.ask(f"SYSTEM REFRESH VIEW {view}")
            sandbox.ask(f"SYSTEM WAIT VIEW {view}")
        others = [name for name in chosen if name != FIRST]
        # Those that publish come last and alone: the others ask for devices that have a past.
        publishing = [name for name in others if publishes(name)]
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(run.document, (name for name in others if name not in publishing)))
        for name in publishing:
            run.document(name)
    failures, last, executed = run.failures, run.last, len(run.executed)
    if not failures and not sys.argv[2:]:
        # The example that docs/for-analysts.md quotes.
        queue = [sys.executable, str(ROOT / "tests/docs/observation_queue.py"), os.environ["KAFKA_BOOTSTRAP"], str(sandbox.dir / "queue")]
        done = subprocess.run(queue, capture_output=True, text=True, timeout=BLOCK_WITHIN_S)
        print(f"observation_queue.py: {done.stdout}")
        if done.returncode:
            failures.append(f"observation_queue.py: {done.stdout}{done.stderr[-2000:]}")
    for shell, block in last:
        try:
            execute(sandbox, shell, block)
            executed += 1
        except Failed as error:
            failures.append(f"{block.where}: {error}")
    for log in sorted((sandbox.dir / "target/log").glob("*.log")):
        lines = log.read_text(errors="replace").splitlines()
        failures += [f"{log.name}: {line}" for line in lines if " ERROR " in line or "panicked at" in line]
    if failures:
        for log in sorted((sandbox.dir / "target/log").glob("*.log")):
            print(f"--- {log.name}\n{log.read_text(errors='replace')[-1500:]}")
        sys.exit("\n".join(failures))
    print(f"{executed} blocks executed")
    shutil.rmtree(sandbox.dir, ignore_errors=True)


def end_started_processes():
    """Ends the process group if this process leads it: a document may have left programs running."""
    if os.getpgrp() == os.getpid():
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        os.killpg(0, signal.SIGTERM)


try:
    main()
finally:
    end_started_processes()
