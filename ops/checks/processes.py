"""What the checks on real services share: they start services and programs, wait for them, and end them."""
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ["UPDRAFT_CACHE"])
PROGRAMS = Path(os.environ.get("UPDRAFT_PROGRAMS", ROOT / "target/debug"))
# Each program with its command, by its name at Prometheus and in the access lists.
COMMANDS = {
    "historian": ["processor", "historian"],
    "receivers": ["processor", "receivers"],
    "thermals": ["processor", "thermals"],
    "processor": ["processor", "run"],
    "bridge": ["bridge"],
    "pusher": ["pusher", "run"],
}
WAIT_S = 120
# Longer than --shutdown-deadline (20 s).
END_S = 40


def ok(text):
    print(f"ok    {text}", flush=True)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(what, condition, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):
            if condition():
                return
        time.sleep(0.5)
    sys.exit(f"{what}: not within {seconds} s")


def listens(port):
    return socket.create_connection(("127.0.0.1", port), 1).close() is None


class Processes:
    """Started processes, each with a log in the folder."""

    def __init__(self, folder):
        self.folder, self.started = folder, []

    def start(self, command, log, **options):
        with open(self.folder / log, "w") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, **options)
        self.started.append(process)
        return process

    def end(self):
        """The last one first: programs before the services that they use."""
        for process in reversed(self.started):
            process.terminate()
        for process in reversed(self.started):
            try:
                process.wait(END_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def processes():
    """Processes that end with the block. Their folder is removed, unless the check fails."""
    folder = Path(tempfile.mkdtemp(prefix="updraft-check-"))
    running = Processes(folder)
    try:
        yield running
    except BaseException:
        print(f"the logs are in {folder}", file=sys.stderr)
        raise
    else:
        running.end()
        shutil.rmtree(folder)
    finally:
        running.end()


class Programs:
    """Our programs, each at an admin port that it keeps when it is replaced."""

    def __init__(self, running, env, commands=COMMANDS):
        self.processes, self.env, self.commands = running, env, commands
        self.admin = {name: free_port() for name in commands}
        self.running, self.generation = {}, 0

    def begin(self, name, **settings):
        program, *arguments = self.commands[name]
        self.generation += 1
        env = self.env | {"UPDRAFT_ADMIN_LISTEN": f"127.0.0.1:{self.admin[name]}"} | settings
        self.running[name] = self.processes.start([PROGRAMS / program, *arguments], f"{name}-{self.generation}.log", env=env)

    def is_ready(self, name):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin[name]}/ready", timeout=2) as answer:
            return json.load(answer)["ready"]

    def await_ready(self, name, seconds=WAIT_S):
        wait_for(f"{name}: ready", lambda: self.is_ready(name), seconds)

    def end(self, name):
        """An orderly stop, or the check fails."""
        self.running[name].send_signal(signal.SIGTERM)
        if code := self.running[name].wait(END_S):
            sys.exit(f"{name}: its stop was not orderly (exit code {code})")

    def processor(self, *arguments, env=None, check=True):
        """A command of the processor that ends: topics, migrate, verify, archive."""
        ran = subprocess.run([PROGRAMS / "processor", *map(str, arguments)], env=self.env | (env or {}), capture_output=True, text=True)
        if check and ran.returncode:
            sys.exit(f"processor {' '.join(map(str, arguments))}: {ran.stdout[-1000:]}{ran.stderr[-1000:]}")
        return ran


def generate(running, *arguments):
    """Simulated pilots who send to the MQTT broker."""
    return running.start([PROGRAMS / "replay", "generate", "--mqtt", os.environ["UPDRAFT_MQTT_URL"], *arguments], "load.log")


def broker_settings(listeners, more=""):
    """A broker of one node. `listeners`: ports by security protocol."""
    controller = free_port()
    addresses = ",".join(f"{protocol}://127.0.0.1:{port}" for protocol, port in listeners.items())
    return f"""process.roles=broker,controller
node.id=1
listeners={addresses},CONTROLLER://127.0.0.1:{controller}
advertised.listeners={addresses}
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
{more}
"""


def java(main, *arguments, jars="kafka", options=()):
    return [CACHE / "java/java21", *options, "-cp", f"{CACHE}/java/{jars}/*", main, *arguments]


def start_kafka(running, name, settings, port, options=()):
    """A Kafka of its own, ready at the port."""
    folder = running.folder / name
    folder.mkdir()
    properties = folder / "server.properties"
    properties.write_text(f"{settings}log.dirs={folder}/data\n")
    subprocess.run(java("kafka.tools.StorageTool", "format", "--cluster-id", "UpdraftAccessTestsAAQ", "--config", properties), check=True, stdout=subprocess.DEVNULL)
    heap = ["-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
    process = running.start(java("kafka.Kafka", properties, options=[*heap, *options]), f"{name}.out")
    wait_for(name, lambda: listens(port))
    return process
