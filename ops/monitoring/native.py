#!/usr/bin/env python3
"""Runs Prometheus and Alertmanager beside programs on this machine, with the rules and routes of this folder, until Ctrl-C.

    ops/monitoring/native.py [--webhook URL] [--runbooks URL] [--data FOLDER] [PROGRAM=HOST:PORT ...]

Prometheus is at http://localhost:9090, Alertmanager at http://localhost:9093. It needs both on the PATH (Debian: prometheus,
prometheus-alertmanager). Programs are expected at their default admin ports; PROGRAM=HOST:PORT names another address, and may be
repeated for several instances. Every alert is posted to the webhook (without it alerts are only shown at Alertmanager), in the
groups and with the suppressions of alertmanager.yml. Exporters of machine and Redis, and certificates, are not asked: their
alerts stay silent, but `BackupMissing`, which cannot see backups without the exporter of the machine.
"""
import argparse
import copy
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
# Debian's name, and that of the release.
ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")
# Jobs whose exporters are not ours.
OTHERS = {"node", "redis", "certificates"}
RUNBOOKS = (HERE.parent / "runbooks").as_uri()


def prometheus_of(config, prometheus, alertmanager, addresses, runbooks=RUNBOOKS):
    """prometheus.yml for programs at these addresses: {job: [address]}."""
    made = copy.deepcopy(config)
    jobs = {job["job_name"] for job in made["scrape_configs"]} - OTHERS
    unknown = sorted(set(addresses) - jobs)
    if unknown:
        sys.exit(f"native: there is no program {', '.join(unknown)}: expected {', '.join(sorted(jobs))}")
    made["scrape_configs"] = [job for job in made["scrape_configs"] if job["job_name"] in jobs]
    addresses = {"alertmanager": [alertmanager], "prometheus": [prometheus]} | addresses
    for job in made["scrape_configs"]:
        port = job["static_configs"][0]["targets"][0].rpartition(":")[2]
        job["static_configs"] = [{"targets": addresses.get(job["job_name"], [f"localhost:{port}"])}]
    # The archive is the only one that an installation may be without.
    if "archive" not in addresses:
        made["scrape_configs"] = [job for job in made["scrape_configs"] if job["job_name"] != "archive"]
    made["global"]["external_labels"] = {"runbooks": runbooks.rstrip("/")}
    made["rule_files"] = [str(HERE / "prometheus" / file) for file in made["rule_files"]]
    made["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
    return made


def alertmanager_of(config, webhook):
    """alertmanager.yml with its routes, and one receiver for all of them."""
    made = copy.deepcopy(config)
    made["global"] = {name: value for name, value in made["global"].items() if not name.startswith("smtp_")}
    hooks = {"webhook_configs": [{"url": webhook, "send_resolved": True}]} if webhook else {}
    made["receivers"] = [{"name": receiver["name"], **hooks} for receiver in made["receivers"]]
    return made


def address_of(text):
    program, equals, address = text.partition("=")
    if not equals or not address.rpartition(":")[2].isdigit():
        raise argparse.ArgumentTypeError(f"{text!r}: expected PROGRAM=HOST:PORT, for example pusher=localhost:9104")
    return program, address


def with_templates(command):
    """Debian's Alertmanager reads its templates below /usr/share. Where setup has only unpacked the package, they are laid over it
    for this command alone, which needs no rights.
    """
    templates = "prometheus/alertmanager/default.tmpl"
    unpacked = Path(os.environ.get("UPDRAFT_CACHE", "/nonexistent")) / "debian/root/usr/share"
    if Path("/usr/share", templates).exists() or not (unpacked / templates).exists() or shutil.which("unshare") is None:
        return command
    lay = f'mount -t overlay overlay -o "lowerdir={unpacked}:/usr/share" /usr/share && exec "$@"'
    return ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", lay, "sh", *command]


def program(*names):
    found = next((path for path in map(shutil.which, names) if path), None)
    return found or sys.exit(f"native: {names[0]} is not on the PATH: apt-get install prometheus prometheus-alertmanager, or just setup")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--webhook", metavar="URL", help="where every alert is posted to, in Alertmanager's JSON")
    parser.add_argument("--runbooks", metavar="URL", default=os.environ.get("UPDRAFT_RUNBOOKS_URL") or RUNBOOKS, help="where the runbooks are that alerts link to; default: UPDRAFT_RUNBOOKS_URL, or the files of this folder")
    parser.add_argument("--prometheus", metavar="ADDRESS", default="127.0.0.1:9090")
    parser.add_argument("--alertmanager", metavar="ADDRESS", default="127.0.0.1:9093")
    parser.add_argument("--data", metavar="FOLDER", type=Path, help="where samples and silences are kept; without it they end with this command")
    parser.add_argument("addresses", metavar="PROGRAM=HOST:PORT", nargs="*", type=address_of)
    options = parser.parse_args()
    addresses = {}
    for name, address in options.addresses:
        addresses.setdefault(name, []).append(address)
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.data or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        prometheus = prometheus_of(yaml.safe_load((HERE / "prometheus/prometheus.yml").read_text()), options.prometheus, options.alertmanager, addresses, options.runbooks)
        alertmanager = alertmanager_of(yaml.safe_load((HERE / "alertmanager/alertmanager.yml").read_text()), options.webhook)
        (folder / "prometheus.yml").write_text(yaml.safe_dump(prometheus, sort_keys=False))
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(alertmanager, sort_keys=False))
        commands = [
            [program("prometheus"), f"--config.file={folder}/prometheus.yml", f"--storage.tsdb.path={folder}/prometheus", f"--web.listen-address={options.prometheus}"],
            [program(*ALERTMANAGER), f"--config.file={folder}/alertmanager.yml", f"--storage.path={folder}/alertmanager", f"--web.listen-address={options.alertmanager}", "--cluster.listen-address="],
        ]
        running = []
        # Ends both as Ctrl-C does.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            for command in commands:
                running.append(subprocess.Popen(with_templates(command), stdout=subprocess.DEVNULL, stderr=(folder / f"{Path(command[0]).name}.log").open("w")))
            print(f"Prometheus:   http://{options.prometheus}\nAlertmanager: http://{options.alertmanager}\nCtrl-C ends both.", flush=True)
            while all(process.poll() is None for process in running):
                time.sleep(0.5)
            logs = [(folder / f"{Path(command[0]).name}.log").read_text()[-2000:] for command, process in zip(commands, running, strict=True) if process.poll() is not None]
            sys.exit("native: ended by itself:\n" + "\n".join(logs))
        except KeyboardInterrupt:
            pass
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(30)


if __name__ == "__main__":
    main()
