#!/usr/bin/env python3
"""The resources that an installation needs for a number of devices and clients, from measurements of one process.

    capacity.py --devices 10000 --clients 100000
    capacity.py --page      the page ops/runbooks/capacity.md
    capacity.py --check     exits 1 where that page is out of date
"""
import argparse
import math
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "runbooks/capacity.md"

# Measurements of one process, each with its source. Cores are those of the machine of the measurement.
MEASURED = {
    "bridge_frames_s": (20_000, "frames a second of one bridge at QoS 1, the lowest of its runs"),
    "processor_frames_s": (60_000, "frames a second of one processor with Kafka and Redis on its 2 cores, its slowest pass"),
    "processor_bytes_device": (928, "bytes of the processor per device"),
    "pusher_bytes_connection": (6_400, "bytes of the pusher per busy connection, the highest"),
    "pusher_bytes_object": (881, "bytes of each pusher per object"),
    "pusher_us_client_tick": (22, "microseconds of CPU per client and tick in the complete stack, the highest"),
    "client_bytes_minute_live": (449_000, "bytes a minute of a viewer of 50 km around a busy take-off at `live`"),
    "client_bytes_minute_5s": (68_000, "the same at `5s`"),
    "redis_bytes_device": (2_600, "bytes of Redis per device: states, scores, positions; 2,025 simulated devices"),
    "raw_bytes": (62, "bytes of a copy of a frame in the raw topic, compressed; 232,000 simulated frames"),
    "reception_bytes": (59, "bytes of a reception in its topic; the same run"),
    "observation_bytes": (104, "bytes of an observation in its topic; the same run"),
    "position_row_bytes": (36.8, "bytes of a position in ClickHouse, in the orders of devices and of time; 8,265 positions of recorded flights"),
    "reception_row_bytes": (18.2, "bytes of a reception in ClickHouse; 211,000 rows of the same run"),
}
# Half of a core's time is kept free for reading and for bursts.
BUSY = 0.5
# A tick of 40 ms leaves 10 ms for the other hops within 50 ms.
TICKS_S = {"live": 25, "5s": 0.2}
FLYING_HOURS = 10
RAW_DAYS, OBSERVATION_DAYS, POSITION_DAYS, RECEPTION_DAYS = 7, 30, 365, 14


def of(name):
    return MEASURED[name][0]


def needs(devices, clients, every_s=5.0, copies=4, live=0.2, kafka_copies=3):
    """Everything as numbers. `live`: the share of clients that want every change at once; the others ask for `5s`."""
    observations_s = devices / every_s
    frames_s = observations_s * copies
    rows_day = observations_s * FLYING_HOURS * 3600
    copies_day = rows_day * copies
    clients_core = BUSY / (of("pusher_us_client_tick") / 1e6 * (live * TICKS_S["live"] + (1 - live) * TICKS_S["5s"]))
    # Two of each, so that one can be replaced.
    pusher_cores = clients / clients_core
    pushers = max(2, math.ceil(pusher_cores / 4))
    kafka = copies_day * RAW_DAYS * (of("raw_bytes") + of("reception_bytes")) + rows_day * OBSERVATION_DAYS * of("observation_bytes")
    history = rows_day * POSITION_DAYS * of("position_row_bytes") + copies_day * RECEPTION_DAYS * of("reception_row_bytes")
    processors = max(2, math.ceil(frames_s / of("processor_frames_s")))
    bits_s = clients * 8 / 60 * (live * of("client_bytes_minute_live") + (1 - live) * of("client_bytes_minute_5s"))
    return {
        "frames_s": frames_s,
        "bridges": max(1, math.ceil(frames_s / of("bridge_frames_s"))),
        "processors": processors,
        "partitions": 6 if processors <= 3 and frames_s < 20_000 else max(24, 2 ** math.ceil(math.log2(processors * 2))),
        "processor_bytes": devices * of("processor_bytes_device"),
        "redis_bytes": devices * of("redis_bytes_device"),
        "pushers": pushers,
        "pusher_cores": pusher_cores,
        "pusher_bytes": 22e6 + devices * of("pusher_bytes_object") + clients / pushers * of("pusher_bytes_connection"),
        "network_bits_s": bits_s,
        "kafka_bytes": kafka * kafka_copies,
        "history_bytes": history,
    }


def size(count, unit="B", base=1000):
    for prefix in ("", "k", "M", "G", "T"):
        if count < base or prefix == "T":
            return f"{count:,.0f} {prefix}{unit}" if count >= 10 or prefix == "" else f"{count:.1f} {prefix}{unit}"
        count /= base


def lines(said):
    return [
        ("frames into Kafka", f"{said['frames_s']:,.0f} a second"),
        ("bridges", f"{said['bridges']}, each with its shard"),
        ("processors", f"{said['processors']} of 2 cores; together {size(said['processor_bytes'])} for devices"),
        ("partitions", f"{said['partitions']}, chosen once"),
        ("Redis", f"{size(said['redis_bytes'])}; set maxmemory to twice that"),
        ("pushers", f"{said['pushers']} with {said['pusher_cores'] / said['pushers']:.1f} busy cores and {size(said['pusher_bytes'])} each"),
        ("network to clients", size(said["network_bits_s"], "bit/s")),
        ("Kafka's disks", f"{size(said['kafka_bytes'])} in all"),
        ("ClickHouse's disk", size(said["history_bytes"])),
    ]


def page():
    text = [
        "# Capacity",
        "",
        "Resources for a number of devices and clients. For your own numbers: `just capacity --devices 3000 --clients 500`; `--help` lists the",
        "parameters. Made by `ops/capacity.py` from the measurements of one process: an estimate",
        "to begin with. Measure on your own machines before you rely on it: `just bench updraft-tests`.",
        "",
        "Each device sends every 5 s for 10 hours a day and is heard by 4 receivers; a fifth of the clients want every change at once,",
        "the others every 5 s; Kafka keeps 3 copies; the history 365 days of positions and 14 of receptions.",
        "",
    ]
    devices, clients = (1_000, 10_000, 100_000), (1_000, 10_000, 100_000, 1_000_000)
    text += ["## By devices", "", "| | " + " | ".join(f"{count:,} devices" for count in devices) + " |", "| --- |" + " --- |" * len(devices)]
    columns = [dict(lines(needs(count, 1_000))) for count in devices]
    text += [f"| {name} | " + " | ".join(column[name] for column in columns) + " |" for name in columns[0] if name not in ("pushers", "network to clients")]
    text += ["", "## By clients", "", "| with 10,000 devices | " + " | ".join(f"{count:,} clients" for count in clients) + " |", "| --- |" + " --- |" * len(clients)]
    columns = [dict(lines(needs(10_000, count))) for count in clients]
    text += [f"| {name} | " + " | ".join(column[name] for column in columns) + " |" for name in ("pushers", "network to clients")]
    text += [
        "",
        "The first limit is the network to the clients, long before the processor. Mosquitto carries some 30,000 messages a second on 2",
        "cores: beyond that the receivers need several brokers, each with its bridge. Every pusher reads every state: beyond some 100,000",
        "devices that costs more than its clients.",
        "",
        "## Measurements",
        "",
        "Of the programs' benchmarks ([measurements](../../docs/measurements.md)) and of runs with simulated pilots.",
        "",
        "| number | of |",
        "| --- | --- |",
        *(f"| {value:,} | {what} |" for value, what in MEASURED.values()),
    ]
    return "\n".join(text) + "\n"


def main():
    parser = argparse.ArgumentParser(description="Estimate the resources of an installation for a number of devices and clients.")
    parser.add_argument("--devices", type=int, help="devices that send at the same time")
    parser.add_argument("--clients", type=int, help="maps that are open at the same time")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS", help="time between two frames of a device (default 5)")
    parser.add_argument("--copies", type=float, default=4, help="receivers that hear a frame (default 4)")
    parser.add_argument("--live", type=float, default=0.2, metavar="SHARE", help="share of the clients that want every change at once (default 0.2)")
    parser.add_argument("--kafka-copies", type=int, default=3, help="copies that Kafka keeps (default 3)")
    parser.add_argument("--page", action="store_true", help="write ops/runbooks/capacity.md")
    parser.add_argument("--check", action="store_true", help="exit 1 where the page is not what this program says")
    given = parser.parse_args()
    if given.page:
        PAGE.write_text(page())
    elif given.check:
        if PAGE.read_text() != page():
            sys.exit("ops/runbooks/capacity.md is not what ops/capacity.py says; write it again: ops/capacity.py --page")
    elif given.devices is None or given.clients is None:
        parser.error("--devices and --clients are needed")
    elif min(given.devices, given.clients, given.every, given.copies, given.kafka_copies) <= 0 or not 0 <= given.live <= 1:
        parser.error("numbers above 0 are needed, and a share from 0 to 1")
    else:
        for name, value in lines(needs(given.devices, given.clients, given.every, given.copies, given.live, given.kafka_copies)):
            print(f"{name:<20} {value}")


if __name__ == "__main__":
    main()
