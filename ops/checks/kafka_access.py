"""All programs as their own principals, on a Kafka that refuses what Terraform's module kafka-access does not allow.

Starts an Apache Kafka with passwords and access lists, applies topics and rights, runs every program under load, and fails where
the broker denied a request of ours, a program is not ready, or a stranger is let in. Needs OpenTofu or Terraform; the other
services come from the environment: just terraform-access
"""
import os
import re
import shutil
import subprocess
import sys
import time

import yaml
from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, KafkaException, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec
from processes import COMMANDS, PROGRAMS, ROOT, Programs, broker_settings, free_port, generate, ok, processes, start_kafka, wait_for

PREFIX = "access."
PRINCIPALS = [*COMMANDS, "archive", "accounts", "autoscaler", "topics", "replay", "stranger"]
SCALED = ROOT / "ops/kubernetes/components/autoscaling/processor.yaml"
LOAD_S = 40


def rights_are_needed():
    users = " ".join(f'user_{name}="pw-{name}"' for name in PRINCIPALS)
    return f"""sasl.enabled.mechanisms=PLAIN
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:ANONYMOUS
listener.name.sasl_plaintext.plain.sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required {users};"""


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


def start_broker(running):
    """Its address for us, and the one for programs, who need a name and a password there."""
    plain, sasl = free_port(), free_port()
    logging = running.folder / "log4j2.properties"
    logging.write_text(LOGGING.format(folder=running.folder))
    settings = broker_settings({"PLAINTEXT": plain, "SASL_PLAINTEXT": sasl}, rights_are_needed())
    start_kafka(running, "kafka", settings, sasl, [f"-Dlog4j2.configurationFile={logging}"])
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


def client_of(name, bootstrap):
    """The same for a client of our own."""
    return {"bootstrap.servers": bootstrap} | dict(pair.split("=", 1) for pair in credentials(name).split(","))


def denied(folder):
    """What the broker denied, by principal."""
    found = re.findall(r"Principal = User:(\S+) is Denied operation = (\w+) .*? on resource = (\S+) for request", (folder / "kafka.log").read_text())
    return sorted(set(found))


def scaled():
    """Group and topic of each trigger of KEDA."""
    for one in yaml.safe_load_all(SCALED.read_text()):
        for trigger in one["spec"].get("triggers", []):
            yield f"{PREFIX}{trigger['metadata']['consumerGroup']}", f"{PREFIX}{trigger['metadata']['topic']}"


def lag(bootstrap, group, topic):
    """As KEDA asks for it: the partitions of the topic, the offsets of the group, the ends. The program has committed some."""
    admin = AdminClient(client_of("autoscaler", bootstrap))
    partitions = [TopicPartition(topic, partition) for partition in admin.list_topics(topic, timeout=30).topics[topic].partitions]
    committed = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group, partitions)])[group].result(30).topic_partitions
    ends = admin.list_offsets({one: OffsetSpec.latest() for one in partitions})
    behind = [ends[one].result(30).offset - one.offset for one in committed if one.offset >= 0]
    if not behind or min(behind) < 0:
        sys.exit(f"autoscaler: {group} at {topic}: expected offsets that are not beyond the ends, found {committed}")
    return sum(behind)


def autoscaler_reads_no_record(bootstrap, topic):
    consumer = Consumer(client_of("autoscaler", bootstrap) | {"group.id": f"{PREFIX}processor", "enable.auto.commit": False})
    consumer.assign([TopicPartition(topic, 0, 0)])
    record = consumer.poll(10)
    consumer.close()
    if record is None or not record.error():
        sys.exit(f"autoscaler: expected that reading {topic} is refused, found {record and record.value()}")


def stranger_is_refused(bootstrap):
    settings = client_of("stranger", bootstrap)
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
    with processes() as running:
        bootstrap, outside = start_broker(running)
        provision(running.folder, bootstrap)
        ok("topics and rights are applied, and the second plan is empty")
        programs = Programs(running, dict(os.environ, UPDRAFT_KAFKA_BOOTSTRAP=outside, UPDRAFT_TOPIC_PREFIX=PREFIX))
        programs.processor("migrate")
        for name in COMMANDS:
            programs.begin(name, UPDRAFT_KAFKA_CONFIG=credentials(name), UPDRAFT_HTTP_LISTEN=f"127.0.0.1:{free_port()}")
        generate(running, "--speed", "4")
        for name in COMMANDS:
            wait_for(f"{name}, as its own principal", lambda name=name: programs.is_ready(name))
        ok(f"{len(COMMANDS)} programs are ready, each as its own principal")
        # Checkpoints, commits and looks after own topics take their turns within this time.
        time.sleep(LOAD_S)
        for name in COMMANDS:
            wait_for(f"{name} under load", lambda name=name: programs.is_ready(name), 10)
        commands = [("topics", ["topics", "check"]), ("archive", ["archive", "--to", running.folder / "archive"])]
        commands += [("processor", ["command", "deny", "ABC123", "--by", "access"]), ("processor", ["rebuild-redis"])]
        for name, command in commands:
            programs.processor(*command, env={"UPDRAFT_KAFKA_CONFIG": credentials(name)})
        backup = dict(programs.env, UPDRAFT_KAFKA_CONFIG=credentials("accounts"))
        (running.folder / "backup").mkdir()
        subprocess.run([sys.executable, ROOT / "ops/topic-records.py", "backup", running.folder / "backup"], env=backup, check=True, stdout=subprocess.DEVNULL)
        capture = [PROGRAMS / "replay", "capture", "kafka", "--out", running.folder / "raw.capture"]
        subprocess.run(capture, env=dict(programs.env, UPDRAFT_KAFKA_CONFIG=credentials("replay")), check=True, stdout=subprocess.DEVNULL)
        lags = {group: lag(outside, group, topic) for group, topic in scaled()}
        if denied(running.folder):
            sys.exit("denied: " + "; ".join(" ".join(one) for one in denied(running.folder)))
        ok(f"nothing was denied in {LOAD_S} s of load, nor to topics check, archive, commands, rebuild of Redis, backup and capture")
        ok(f"nor to the autoscaler, which sees the lag: {', '.join(f'{group} {count}' for group, count in lags.items())}")
        autoscaler_reads_no_record(outside, f"{PREFIX}fanet.raw.v1")
        stranger_is_refused(outside)
        if {who for who, _, _ in denied(running.folder)} != {"autoscaler", "stranger"}:
            sys.exit(f"expected that the broker denied requests of autoscaler and stranger, found {denied(running.folder)}")
        ok("the autoscaler may read no record, and a principal without rights may neither write nor see")


if __name__ == "__main__":
    main()
