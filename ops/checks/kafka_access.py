"""All programs as their own principals, on a Kafka that refuses what Terraform's module kafka-access does not allow.

Starts an Apache Kafka with passwords and access lists, applies topics and rights, runs every program under load, and fails where
the broker denied a request of ours, a program is not ready, or a stranger is let in. Needs OpenTofu or Terraform; the other
services come from the environment: just terraform-access
"""
import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from confluent_kafka import Consumer, KafkaException, Producer

ROOT = Path(__file__).resolve().parents[2]
CACHE = Path(os.environ["UPDRAFT_CACHE"])
PROGRAMS = Path(os.environ.get("UPDRAFT_PROGRAMS", ROOT / "target/debug"))
PREFIX = "access."
# Each program with its command.
RUN = {
    "bridge": ["bridge"],
    "processor": ["processor", "run"],
    "thermals": ["processor", "thermals"],
    "receivers": ["processor", "receivers"],
    "historian": ["processor", "historian"],
    "pusher": ["pusher", "run"],
}
PRINCIPALS = [*RUN, "archive", "topics", "stranger"]
WAIT_S, LOAD_S = 120, 40


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def kafka_properties(folder, plain, sasl, controller):
    users = " ".join(f'user_{name}="pw-{name}"' for name in PRINCIPALS)
    return f"""process.roles=broker,controller
node.id=1
listeners=PLAINTEXT://127.0.0.1:{plain},CONTROLLER://127.0.0.1:{controller},SASL_PLAINTEXT://127.0.0.1:{sasl}
advertised.listeners=PLAINTEXT://127.0.0.1:{plain},SASL_PLAINTEXT://127.0.0.1:{sasl}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller}
log.dirs={folder}/data
auto.create.topics.enable=false
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
log.cleaner.dedupe.buffer.size=16777216
sasl.enabled.mechanisms=PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};
"""


LOGGING = """status=error
appender.file.type=File
appender.file.name=F
appender.file.fileName={folder}/kafka.log
appender.file.layout.type=PatternLayout
appender.file.layout.pattern=%d %p %c{{1}} %m%n
rootLogger.level=warn
rootLogger.appenderRef.f.ref=F
logger.access.name=kafka.authorizer.logger
logger.access.level=info
"""


def wait_for(what, condition, seconds=WAIT_S):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError):
            if condition():
                return
        time.sleep(0.5)
    sys.exit(f"{what}: not within {seconds} s")


def start(running, command, log, **options):
    process = subprocess.Popen(command, stdout=open(log, "w"), stderr=subprocess.STDOUT, **options)
    running.append(process)
    return process


def start_kafka(running, folder):
    plain, sasl, controller = free_port(), free_port(), free_port()
    (folder / "server.properties").write_text(kafka_properties(folder, plain, sasl, controller))
    (folder / "log4j2.properties").write_text(LOGGING.format(folder=folder))
    java, jars = CACHE / "java/java21", f"{CACHE}/java/kafka/*"
    subprocess.run([java, "-cp", jars, "kafka.tools.StorageTool", "format", "--cluster-id", "UpdraftAccessTestsAAQ", "--config", folder / "server.properties"], check=True, stdout=subprocess.DEVNULL)
    start(running, [java, "-Xmx384m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", f"-Dlog4j2.configurationFile={folder}/log4j2.properties", "-cp", jars, "kafka.Kafka", folder / "server.properties"], folder / "kafka.out")
    wait_for("Kafka", lambda: socket.create_connection(("127.0.0.1", sasl), 1).close() is None)
    return f"127.0.0.1:{plain}", f"127.0.0.1:{sasl}"


def provision(folder, bootstrap):
    for name in ("terraform/modules", "terraform/catalogue.json"):
        source, target = ROOT / name, folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    root = folder / "terraform/environments/access"
    root.mkdir(parents=True)
    principals = "\n".join(f'    {name} = "User:{name}"' for name in PRINCIPALS if name != "stranger")
    (root / "main.tf").write_text(f"""
terraform {{
  required_providers {{
    kafka = {{
      source = "Mongey/kafka"
    }}
  }}
}}
provider "kafka" {{
  bootstrap_servers = ["{bootstrap}"]
  tls_enabled       = false
}}
module "topics" {{
  source             = "../../modules/kafka-topics"
  prefix             = "{PREFIX}"
  partitions         = 6
  replication_factor = 1
}}
module "access" {{
  source     = "../../modules/kafka-access"
  prefix     = "{PREFIX}"
  principals = {{
{principals}
  }}
}}
""")
    for arguments in (["init", "-input=false"], ["apply", "-auto-approve", "-input=false"], ["plan", "-detailed-exitcode"]):
        ran = subprocess.run([os.environ["UPDRAFT_TOFU"], f"-chdir={root}", *arguments], capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(f"terraform {arguments[0]}: {ran.stdout[-2000:]}{ran.stderr[-2000:]}")


def credentials(name):
    return f"security.protocol=sasl_plaintext,sasl.mechanism=PLAIN,sasl.username={name},sasl.password=pw-{name}"


def is_ready(port):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/ready", timeout=2) as answer:
        return json.load(answer)["ready"]


def denied(folder):
    """What the broker denied, by principal."""
    found = re.findall(r"Principal = User:(\S+) is Denied operation = (\w+) .*? on resource = (\S+) for request", (folder / "kafka.log").read_text())
    return sorted(set(found))


def stranger_is_refused(bootstrap):
    settings = {"bootstrap.servers": bootstrap, "security.protocol": "sasl_plaintext", "sasl.mechanism": "PLAIN", "sasl.username": "stranger", "sasl.password": "pw-stranger"}
    refused = []
    producer = Producer(settings | {"message.timeout.ms": 5000})
    producer.produce(f"{PREFIX}fanet.raw.v1", b"x", callback=lambda error, _: refused.append(error))
    producer.flush(10)
    try:
        Consumer(settings | {"group.id": "x"}).list_topics(f"{PREFIX}fanet.private.state.v1", timeout=5).topics.popitem()[1].error or sys.exit("a stranger sees private topics")
    except KafkaException:
        pass
    if not refused or refused[0] is None:
        sys.exit("a stranger may write raw records")


def main():
    folder, running = Path(tempfile.mkdtemp()), []
    try:
        bootstrap, outside = start_kafka(running, folder)
        provision(folder, bootstrap)
        print("ok    topics and rights are applied, and the second plan is empty")
        common = dict(os.environ, UPDRAFT_KAFKA_BOOTSTRAP=outside, UPDRAFT_TOPIC_PREFIX=PREFIX)
        subprocess.run([PROGRAMS / "processor", "migrate"], env=common, check=True, stdout=subprocess.DEVNULL)
        ports = {name: free_port() for name in RUN}
        for name, (program, *arguments) in RUN.items():
            env = common | {"UPDRAFT_KAFKA_CONFIG": credentials(name), "UPDRAFT_ADMIN_LISTEN": f"127.0.0.1:{ports[name]}"}
            if name == "pusher":
                env["UPDRAFT_HTTP_LISTEN"] = f"127.0.0.1:{free_port()}"
            start(running, [PROGRAMS / program, *arguments], folder / f"{name}.log", env=env)
        start(running, [PROGRAMS / "replay", "generate", "--mqtt", os.environ["UPDRAFT_MQTT_URL"], "--speed", "4"], folder / "replay.log")
        for name, port in ports.items():
            wait_for(f"{name}, as its own principal", lambda port=port: is_ready(port))
        print(f"ok    {len(RUN)} programs are ready, each as its own principal")
        # Checkpoints, commits and looks after own topics take their turns within this time.
        time.sleep(LOAD_S)
        for name, port in ports.items():
            wait_for(f"{name} under load", lambda port=port: is_ready(port), 10)
        for name, command in (("topics", ["topics", "check"]), ("archive", ["archive", "--to", folder / "archive"])):
            ran = subprocess.run([PROGRAMS / "processor", *command], env=common | {"UPDRAFT_KAFKA_CONFIG": credentials(name)}, capture_output=True, text=True)
            if ran.returncode != 0:
                sys.exit(f"{name}: {ran.stdout[-1000:]}{ran.stderr[-1000:]}")
        if denied(folder):
            sys.exit("denied: " + "; ".join(" ".join(one) for one in denied(folder)))
        print(f"ok    nothing was denied in {LOAD_S} s of load, nor to topics check and archive")
        stranger_is_refused(outside)
        if {who for who, _, _ in denied(folder)} != {"stranger"}:
            sys.exit("the broker does not say that it denied a stranger")
        print("ok    a principal without rights may neither write nor see")
    finally:
        for process in reversed(running):
            process.terminate()
        for process in reversed(running):
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(30)
            process.kill()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
