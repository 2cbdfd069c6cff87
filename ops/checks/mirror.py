"""The second cluster of ops/runbooks/disaster-recovery.md, on two Kafkas: MirrorMaker 2 with ops/kafka/mirror.properties copies the
inputs under load, byte by byte; then the first cluster and its programs are killed, and bridge and processor continue at the
second one with every device. Prints how many frames were lost (RPO) and how long it took (RTO).

Registry and MQTT come from the environment; both Kafkas are started here. Needs MirrorMaker 2 (just mirror-setup): just mirror
"""
import os
import signal
import sys
import time
from urllib.parse import urlsplit

from confluent_kafka import Producer
from processes import CACHE, COMMANDS, ROOT, Programs, broker_settings, free_port, generate, java, ok, processes, start_kafka, wait_for
from raw_log import compile_protos, frames, records

RUN = {name: COMMANDS[name] for name in ("processor", "bridge")}
RAW, STATE, ACCOUNT = "fanet.raw.v1", "fanet.state.aircraft.v1", "fanet.account.v1"
ACCOUNTS = 200
# Under load, before the loss.
LOAD_S = 45
# The copy may be as old as this.
RPO_S = 10


def cluster(running, name):
    """A Kafka with our topics: its process, its address, and programs that use it."""
    port = free_port()
    kafka = start_kafka(running, name, broker_settings({"PLAINTEXT": port}), port)
    env = dict(os.environ, UPDRAFT_KAFKA_BOOTSTRAP=f"127.0.0.1:{port}", UPDRAFT_REDIS_URL="none")
    programs = Programs(running, env, RUN)
    programs.processor("topics", "apply", "--partitions", "6")
    return kafka, f"127.0.0.1:{port}", programs


def start_mirror(running, first, second):
    """With the runbook's file; where it names something twice, the last line holds."""
    settings = running.folder / "mirror.properties"
    ours = [f"first.bootstrap.servers = {first}", f"second.bootstrap.servers = {second}"]
    text = (ROOT / "ops/kafka/mirror.properties").read_text()
    ours += [f"{line.split('=')[0]}= 1" for line in text.splitlines() if "replication.factor" in line]
    settings.write_text("\n".join([text, *ours, ""]))
    logging = running.folder / "mirror-log4j2.properties"
    logging.write_text("status=error\nappender.out.type=Console\nappender.out.name=O\nappender.out.layout.type=PatternLayout\n"
                       "appender.out.layout.pattern=%d %p %c{1} %m%n\nrootLogger.level=warn\nrootLogger.appenderRef.o.ref=O\n")
    options = ["-Xmx384m", "-XX:+UseSerialGC", f"-Dlog4j2.configurationFile={logging}"]
    running.start(java("org.apache.kafka.connect.mirror.MirrorMaker", settings, jars="mirror", options=options), "mirror.log")


def by_partition(bootstrap, topic):
    """Every record of each partition in its order: time, key, value and headers."""
    found = {}
    for record in records(bootstrap, topic):
        found.setdefault(record.partition(), []).append((record.timestamp(), record.key(), record.value(), record.headers()))
    return found


def write_accounts(bootstrap):
    """Records of the form of accounts; their meaning does not matter to the copy."""
    producer = Producer({"bootstrap.servers": bootstrap, "acks": "all"})
    for number in range(ACCOUNTS):
        producer.produce(ACCOUNT, key=f"user-{number}", value=os.urandom(60), headers=[("trial", str(number).encode())])
    if producer.flush(30):
        sys.exit("the accounts are not written")


def copy_is_equal(first, second):
    """The copies are what the first cluster has at the same partition and in the same order, up to where they end."""
    wait_for("the accounts at the second cluster", lambda: by_partition(second, ACCOUNT) == by_partition(first, ACCOUNT))
    copied = by_partition(second, RAW)
    original = by_partition(first, RAW)
    for partition, there in copied.items():
        if there != original[partition][: len(there)]:
            sys.exit(f"{RAW}, partition {partition}: the copy differs")
    count, of = (sum(map(len, each.values())) for each in (copied, original))
    if count < 1000:
        sys.exit(f"only {count} of {of} raw records are copied")
    ok(f"{ACCOUNTS} accounts and {count} raw records are copied, byte by byte, at their partitions and in their order ({of - count} behind)")


def devices(bootstrap):
    """The aircraft that the state topic shows."""
    newest = {record.key(): record.value() for record in records(bootstrap, STATE)}
    return {key for key, value in newest.items() if value is not None}


def accepted(file):
    """Each frame that the broker accepted, with the time of its first copy."""
    times = {}
    for line in file.read_text().splitlines():
        when, frame = line.split()
        times.setdefault(frame, float(when))
    return times


def main():
    if not any((CACHE / "java/mirror").glob("connect-mirror-*.jar")):
        sys.exit("mirror: MirrorMaker 2 is missing; bring it with: just mirror-setup")
    mqtt = urlsplit(os.environ["UPDRAFT_MQTT_URL"])
    with processes() as running:
        compile_protos(running.folder)
        kafka, first, before = cluster(running, "first")
        _, second, after = cluster(running, "second")
        for name in RUN:
            before.begin(name)
            before.await_ready(name)
        start_mirror(running, first, second)
        running.start(["mosquitto_sub", "-h", mqtt.hostname, "-p", str(mqtt.port), "-q", "1", "-t", "fb/b/+/f/#", "-F", "%U %x"], "accepted")
        time.sleep(1)
        generate(running, "--pilots", "60")
        write_accounts(first)
        wait_for("raw records at the second cluster", lambda: next(records(second, RAW), None))
        time.sleep(LOAD_S)
        copy_is_equal(first, second)
        if any(next(records(second, topic), None) for topic in (STATE, "fanet.processor-state.v1")):
            sys.exit("states or checkpoints are at the second cluster")
        flying = devices(first)
        ok(f"{len(flying)} aircraft at the first cluster, and no state at the second one")

        lost_at, begun = time.time(), time.monotonic()
        for process in (*before.running.values(), kafka):
            process.send_signal(signal.SIGKILL)
        for name in RUN:
            after.begin(name)
            after.await_ready(name)
        wait_for("every aircraft at the second cluster", lambda: flying <= devices(second))
        ok(f"the first cluster and its programs are killed; bridge and processor show all {len(flying)} aircraft from the second one: RTO {time.monotonic() - begun:.1f} s")
        # What the MQTT broker kept for the bridge meanwhile is there, too.
        time.sleep(10)
        end = time.time() - 5
        times = accepted(running.folder / "accepted")
        there = frames(second, RAW)
        lost = {frame: when for frame, when in times.items() if frame not in there and when < end}
        late = max((lost_at - when for when in lost.values()), default=0.0)
        after_loss = sum(lost_at < when < end for when in times.values())
        if late > RPO_S or any(when > lost_at + 1 for when in lost.values()):
            sys.exit(f"{len(lost)} frames are lost, the oldest from {late:.1f} s before the loss")
        ok(f"of {len(times)} accepted frames {len(lost)} are lost: RPO {late:.1f} s; of the {after_loss} after the loss none")


if __name__ == "__main__":
    main()
