"""Replaces every program under load, in the order of ops/runbooks/upgrade-and-rollback.md, and holds the result to its promises:
no acknowledged frame is lost, every stop is orderly, and a client that resumes ends with the server's picture.

The services come from the environment: just rolling-upgrade
"""
import asyncio
import itertools
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from urllib.parse import urlsplit

from processes import COMMANDS, ROOT, Programs, free_port, generate, ok, processes, wait_for
from raw_log import compile_protos, frames

PREFIX = "upgrade."
# In the order of the runbook.
RUN = {
    **{name: COMMANDS[name] for name in ("historian", "receivers", "thermals")},
    "processor-a": COMMANDS["processor"],
    "processor-b": COMMANDS["processor"],
    "bridge": COMMANDS["bridge"],
    "pusher-a": COMMANDS["pusher"],
    "pusher-b": COMMANDS["pusher"],
}
REGION = {"lat": 45.8, "lon": 11.75, "radius": 200}


class Installation(Programs):
    """Pushers keep their port for clients, too."""

    def __init__(self, running):
        super().__init__(running, dict(os.environ, UPDRAFT_TOPIC_PREFIX=PREFIX), RUN)
        self.http = {name: free_port() for name in RUN if name.startswith("pusher")}

    def begin(self, name):
        super().begin(name, **({"UPDRAFT_HTTP_LISTEN": f"127.0.0.1:{self.http[name]}"} if name in self.http else {}))

    def replace(self, name):
        begun = time.monotonic()
        self.end(name)
        stopped = time.monotonic()
        self.begin(name)
        self.await_ready(name)
        ok(f"{name} is replaced: ended in {stopped - begun:.1f} s, ready {time.monotonic() - stopped:.1f} s later")


def client_of(folder, urls):
    """The example client, which connects to the next server after each end of a connection."""
    compile_protos(folder)
    sys.path.insert(0, str(ROOT / "examples/clients/python"))
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


def main():
    mqtt = urlsplit(os.environ["UPDRAFT_MQTT_URL"])
    with processes() as running:
        installation = Installation(running)
        installation.processor("topics", "apply", "--partitions", "6")
        installation.processor("migrate")
        for name in RUN:
            installation.begin(name)
        for name in RUN:
            installation.await_ready(name)
        # The messages that the broker accepted, as another subscriber gets them.
        witness = running.start(["mosquitto_sub", "-h", mqtt.hostname, "-p", str(mqtt.port), "-q", "1", "-t", "fb/b/+/f/#", "-F", "%x"], "accepted")
        time.sleep(1)
        load = generate(running, "--pilots", "60")
        urls = [f"ws://127.0.0.1:{port}" for port in installation.http.values()]
        client, ends, resumes, messages = client_of(running.folder, urls)
        wait_for("aircraft at the client", lambda: sum(kind == "aircraft" for kind, _ in list(client.picture.objects)) >= 10)
        ok(f"{len(RUN)} programs are ready, and a client sees aircraft")
        for name in RUN:
            installation.replace(name)
            # So that each replacement meets frames on their way, and the client has a token of the new server.
            time.sleep(6)
        load.send_signal(signal.SIGTERM)
        load.wait(20)
        wait_for("the client's picture is the server's", lambda: pictures_agree(client, installation.http["pusher-b"]), 60)
        if len(ends) < 2 or not all(resumes[1:]):
            sys.exit(f"the client was to resume at both replacements: ends {ends}, resumed {resumes}")
        ok(f"the client resumed {len(resumes) - 1} times (closed with {ends}), and has the server's picture; {longest_silence(list(messages)):.1f} s without a message at most")
        witness.terminate()
        witness.wait(10)
        accepted = set((running.folder / "accepted").read_text().split())
        lost = accepted - frames(os.environ["UPDRAFT_KAFKA_BOOTSTRAP"], f"{PREFIX}fanet.raw.v1")
        if len(accepted) < 1000 or lost:
            sys.exit(f"of {len(accepted)} accepted frames {len(lost)} are not in the log")
        ok(f"all {len(accepted)} frames that the broker accepted are in the log")


if __name__ == "__main__":
    main()
