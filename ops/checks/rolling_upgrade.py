"""Replaces every program under load, in the order of ops/runbooks/upgrade-and-rollback.md, and holds the result to its promises:
no acknowledged frame is lost, every stop is orderly, and a client that resumes ends with the server's picture.

The services come from the environment: just rolling-upgrade
"""
import asyncio
import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from urllib.parse import urlsplit

from confluent_kafka import Consumer, TopicPartition
from kafka_access import PROGRAMS, ROOT, free_port, is_ready, start, wait_for

PREFIX = "upgrade."
COMMANDS = {
    "historian": ["processor", "historian"],
    "receivers": ["processor", "receivers"],
    "thermals": ["processor", "thermals"],
    "processor-a": ["processor", "run"],
    "processor-b": ["processor", "run"],
    "bridge": ["bridge"],
    "pusher-a": ["pusher", "run"],
    "pusher-b": ["pusher", "run"],
}
REGION = {"lat": 45.8, "lon": 11.75, "radius": 200}


class Installation:
    """The programs, each at ports that it keeps when it is replaced."""

    def __init__(self, folder):
        self.folder, self.running, self.programs, self.generation = folder, [], {}, 0
        self.admin = {name: free_port() for name in COMMANDS}
        self.http = {name: free_port() for name in COMMANDS if name.startswith("pusher")}
        self.env = dict(os.environ, UPDRAFT_TOPIC_PREFIX=PREFIX)

    def begin(self, name):
        program, *arguments = COMMANDS[name]
        env = self.env | {"UPDRAFT_ADMIN_LISTEN": f"127.0.0.1:{self.admin[name]}"}
        if name in self.http:
            env["UPDRAFT_HTTP_LISTEN"] = f"127.0.0.1:{self.http[name]}"
        self.generation += 1
        self.programs[name] = start(self.running, [PROGRAMS / program, *arguments], self.folder / f"{name}-{self.generation}.log", env=env)

    def await_ready(self, name):
        wait_for(f"{name}: ready", lambda: is_ready(self.admin[name]))

    def replace(self, name):
        old, begun = self.programs[name], time.monotonic()
        old.send_signal(signal.SIGTERM)
        code = old.wait(40)
        if code != 0:
            sys.exit(f"{name}: its stop was not orderly (exit code {code})")
        stopped = time.monotonic()
        self.begin(name)
        self.await_ready(name)
        print(f"ok    {name} is replaced: ended in {stopped - begun:.1f} s, ready {time.monotonic() - stopped:.1f} s later", flush=True)

    def command(self, *arguments):
        subprocess.run([PROGRAMS / "processor", *arguments], env=self.env, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def client_of(folder, urls):
    """The example client, which connects to the next server after each end of a connection."""
    protos = ["updraft/v1/common.proto", "updraft/v1/live.proto", "updraft/v1/raw.proto"]
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", "-I", ROOT / "schemas/proto", f"--python_out={folder}", *protos], check=True)
    sys.path[:0] = [str(folder), str(ROOT / "examples/clients/python")]
    import watch

    watch.report = lambda event: None
    client = watch.Client(urls[0], REGION, [])
    client.picture._report = lambda event: None
    ends, resumes, messages = [], [], []
    connection, live, take = client.connection, client.live, client.take

    async def next_server():
        client.url = urls[len(ends) % len(urls)]
        code = await connection()
        ends.append(code)
        return code

    async def resumed(socket, snapshot):
        resumes.append(client.resumed)
        await live(socket, snapshot)

    async def taken(socket, message):
        messages.append(time.monotonic())
        await take(socket, message)

    client.connection, client.live, client.take = next_server, resumed, taken
    threading.Thread(target=lambda: asyncio.run(client.run()), daemon=True).start()
    return client, ends, resumes, messages


def longest_silence(messages):
    """Seconds without a message, at most: a client gets a checkpoint every 5 s where nothing else happens."""
    return max(later - earlier for earlier, later in itertools.pairwise(messages))


def pictures_agree(client, port):
    """The aircraft of the client's picture and of REST, by device and version."""
    query = "&".join(f"{name}={value}" for name, value in REGION.items())
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/snapshot?{query}", timeout=5) as answer:
        said = json.load(answer)
    there = {one["device"]: int(one["version"]) for one in said["pilots"]}
    here = {f"{key:06X}": update.version for (kind, key), update in list(client.picture.objects.items()) if kind == "aircraft"}
    return bool(there) and here == there


def frames_in_log():
    from updraft.v1 import raw_pb2

    consumer = Consumer({"bootstrap.servers": os.environ["UPDRAFT_KAFKA_BOOTSTRAP"], "group.id": "rolling-upgrade", "enable.partition.eof": True})
    topic = f"{PREFIX}fanet.raw.v1"
    partitions = list(consumer.list_topics(topic, timeout=10).topics[topic].partitions)
    consumer.assign([TopicPartition(topic, partition, 0) for partition in partitions])
    ended, frames = set(), set()
    while len(ended) < len(partitions):
        record = consumer.poll(10)
        if record is None:
            sys.exit("the raw topic does not end")
        if record.error():
            ended.add(record.partition())
            continue
        # The Confluent wire format: a magic byte, the schema's number, and one byte for the first message of its file.
        value = raw_pb2.RawRecord.FromString(record.value()[6:])
        if value.HasField("mqtt_frame"):
            frames.add(value.mqtt_frame.hex())
    consumer.close()
    return frames


def main():
    folder = Path(tempfile.mkdtemp())
    installation = Installation(folder)
    mqtt = urlsplit(os.environ["UPDRAFT_MQTT_URL"])
    try:
        installation.command("topics", "apply", "--partitions", "6")
        installation.command("migrate")
        for name in COMMANDS:
            installation.begin(name)
        for name in COMMANDS:
            installation.await_ready(name)
        # The messages that the broker accepted, as another subscriber gets them.
        witness = start(installation.running, ["mosquitto_sub", "-h", mqtt.hostname, "-p", str(mqtt.port), "-q", "1", "-t", "fb/b/+/f/#", "-F", "%x"], folder / "accepted")
        time.sleep(1)
        load = start(installation.running, [PROGRAMS / "replay", "generate", "--mqtt", os.environ["UPDRAFT_MQTT_URL"], "--pilots", "60"], folder / "load.log")
        urls = [f"ws://127.0.0.1:{port}" for port in installation.http.values()]
        client, ends, resumes, messages = client_of(folder, urls)
        wait_for("aircraft at the client", lambda: sum(kind == "aircraft" for kind, _ in list(client.picture.objects)) >= 10)
        print(f"ok    {len(COMMANDS)} programs are ready, and a client sees aircraft", flush=True)
        for name in COMMANDS:
            installation.replace(name)
            # So that each replacement meets frames on their way, and the client has a token of the new server.
            time.sleep(6)
        load.send_signal(signal.SIGTERM)
        load.wait(20)
        wait_for("the client's picture is the server's", lambda: pictures_agree(client, installation.http["pusher-b"]), 60)
        if len(ends) < 2 or not all(resumes[1:]):
            sys.exit(f"the client was to resume at both replacements: ends {ends}, resumed {resumes}")
        print(f"ok    the client resumed {len(resumes) - 1} times (closed with {ends}), and has the server's picture; {longest_silence(list(messages)):.1f} s without a message at most", flush=True)
        witness.terminate()
        witness.wait(10)
        accepted = set((folder / "accepted").read_text().split())
        lost = accepted - frames_in_log()
        if len(accepted) < 1000 or lost:
            sys.exit(f"of {len(accepted)} accepted frames {len(lost)} are not in the log")
        print(f"ok    all {len(accepted)} frames that the broker accepted are in the log", flush=True)
    except BaseException:
        print(f"the programs' logs are in {folder}", file=sys.stderr)
        raise
    else:
        shutil.rmtree(folder)
    finally:
        for process in reversed(installation.running):
            process.terminate()
        for process in installation.running:
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()


if __name__ == "__main__":
    main()
