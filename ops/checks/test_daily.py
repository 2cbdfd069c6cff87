"""The day's look finds an old backup, a certificate that ends soon, a silent Prometheus and alerts, and says what is not set."""
import http.server
import json
import os
import socket
import ssl
import subprocess
import tempfile
import threading
import time
import unittest
from pathlib import Path

DAILY = Path(__file__).resolve().parents[1] / "daily"


def daily(*arguments, **variables):
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("UPDRAFT_", "PROMETHEUS"))}
    ran = subprocess.run([DAILY, *arguments], capture_output=True, text=True, timeout=60, env=environment | variables)
    return ran.returncode, ran.stdout


class Prometheus(http.server.BaseHTTPRequestHandler):
    firing = ("Watchdog",)

    def do_GET(self):
        alerts = [{"state": "firing", "labels": {"alertname": name}} for name in self.firing]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": {"alerts": [*alerts, {"state": "pending", "labels": {"alertname": "Later"}}]}}).encode())

    def log_message(self, *_):
        pass


class Daily(unittest.TestCase):
    def prometheus(self, *firing):
        handler = type("Some", (Prometheus,), {"firing": firing})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return daily(PROMETHEUS=f"http://127.0.0.1:{server.server_port}")

    def test_what_is_not_set_is_said(self):
        code, said = daily()
        self.assertEqual((code, said.count("is not set")), (0, 6))

    def test_alerts_are_found(self):
        self.assertEqual(self.prometheus("Watchdog")[0], 0)
        code, said = self.prometheus("Watchdog", "DiskFull")
        self.assertEqual(code, 1)
        self.assertRegex(said, "FAIL +alerts +DiskFull")
        self.assertRegex(self.prometheus()[1], "FAIL +alerts +not even Watchdog")
        self.assertRegex(daily(PROMETHEUS="http://127.0.0.1:1")[1], "FAIL +alerts +not even Watchdog")

    def test_old_and_missing_backups_are_found(self):
        with tempfile.TemporaryDirectory() as folder:
            young, old = Path(folder) / "young", Path(folder) / "old"
            young.write_text("x")
            self.assertEqual(daily(UPDRAFT_BACKUPS=str(young))[0], 0)
            old.write_text("x")
            then = time.time() - 27 * 3600
            os.utime(old, (then, then))
            for backup in (old, Path(folder) / "none"):
                self.assertEqual(daily(UPDRAFT_BACKUPS=f"{young} {backup}")[0], 1, backup)
            # Of a pattern the newest counts: older nights stay for a while.
            self.assertEqual(daily(UPDRAFT_BACKUPS=f"{folder}/*")[0], 0)
            os.utime(young, (then + 1800, then + 1800))
            code, said = daily(UPDRAFT_BACKUPS=f"{folder}/* {folder}/*.zip")
            self.assertEqual(code, 1, said)
            self.assertRegex(said, r"backup +\S+\*\.zip is not there")

    def test_drift_is_found_by_the_program_that_is_there(self):
        for program, answer, code, said in (
            ("terraform", "exit 0", 0, "ok +drift +none"),
            ("tofu", "exit 2", 1, "FAIL +drift +tofu -chdir=somewhere plan says what"),
            ("tofu", "echo 'no credentials'; exit 1", 1, "FAIL +drift +tofu plan failed: no credentials"),
        ):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / program
                file.write_text(f"#!/bin/sh\n{answer}\n")
                file.chmod(0o755)
                found = daily(PATH=f"{folder}:/usr/bin:/bin", UPDRAFT_TERRAFORM="somewhere")
                self.assertEqual(found[0], code)
                self.assertRegex(found[1], said)


class Certificates(unittest.TestCase):
    def addresses(self, **variables):
        code, said = daily("addresses", **variables)
        self.assertEqual(code, 0)
        return said.splitlines()

    def test_addresses_with_tls_are_read(self):
        for url, wanted in (
            ("mqtts://mqtt.example.org", ["MQTT mqtt.example.org 8883"]),
            ("mqtts://mqtt.example.org:8884/", ["MQTT mqtt.example.org 8884"]),
            ("mqtts://[2001:db8::1]:8884", ["MQTT [2001:db8::1] 8884"]),
            ("mqtts://[2001:db8::1]", ["MQTT [2001:db8::1] 8883"]),
            ("mqtt://mqtt.example.org:1883", []),
        ):
            self.assertEqual(self.addresses(UPDRAFT_MQTT_URL=url), wanted)
        self.assertEqual(self.addresses(UPDRAFT_MAP_URL="https://map.example.org"), ["map map.example.org 443"])
        self.assertEqual(self.addresses(UPDRAFT_MAP_URL="http://localhost:8090"), [])

    def test_brokers_are_read_where_their_protocol_has_tls(self):
        brokers = "kafka-1.example.org:9093,kafka-2.example.org:9094, [2001:db8::1]:9093"
        wanted = ["Kafka kafka-1.example.org 9093", "Kafka kafka-2.example.org 9094", "Kafka [2001:db8::1] 9093"]
        for settings, found in (
            ("security.protocol=ssl,ssl.ca.location=/ca.pem", wanted),
            ("ssl.ca.location=/ca.pem,security.protocol=SASL_SSL", wanted),
            ("security.protocol=sasl_plaintext", []),
            ("linger.ms=5", []),
            ("", []),
        ):
            self.assertEqual(self.addresses(UPDRAFT_KAFKA_BOOTSTRAP=brokers, UPDRAFT_KAFKA_CONFIG=settings), found, settings)
        self.assertEqual(self.addresses(UPDRAFT_KAFKA_CONFIG="security.protocol=ssl"), [])
        self.assertEqual(self.addresses(UPDRAFT_KAFKA_BOOTSTRAP="kafka:x", UPDRAFT_KAFKA_CONFIG="security.protocol=ssl"), ["Kafka kafka:x -"])

    def test_settings_may_be_in_files(self):
        with tempfile.NamedTemporaryFile("w") as file:
            file.write("security.protocol=ssl\n")
            file.flush()
            self.assertEqual(self.addresses(UPDRAFT_KAFKA_BOOTSTRAP="kafka:9093", UPDRAFT_KAFKA_CONFIG_FILE=file.name), ["Kafka kafka 9093"])

    def test_unknown_arguments_are_refused(self):
        self.assertEqual(daily("adresses"), (64, ""))

    def server(self, days):
        """The port of a server that shows a certificate with so many days."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        certificate, key = f"{folder.name}/certificate.pem", f"{folder.name}/key.pem"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost",
                        "-days", str(days), "-keyout", key, "-out", certificate], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        # As a broker that asks for a certificate of its clients.
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificate)
        listener = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(listener.close)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                try:
                    context.wrap_socket(connection, server_side=True).close()
                except OSError:
                    connection.close()

        threading.Thread(target=serve, daemon=True).start()
        return listener.getsockname()[1]

    def test_certificates_that_end_soon_are_found(self):
        long, short = self.server(90), self.server(10)
        code, said = daily(UPDRAFT_MQTT_URL=f"mqtts://127.0.0.1:{long}")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, rf"ok +certificate of MQTT +127\.0\.0\.1:{long}: (89|90) days")
        code, said = daily(UPDRAFT_MQTT_URL=f"mqtts://127.0.0.1:{short}")
        self.assertEqual(code, 1)
        self.assertRegex(said, rf"FAIL +certificate of MQTT +127\.0\.0\.1:{short}: (9|10) days")
        code, said = daily(UPDRAFT_KAFKA_BOOTSTRAP=f"127.0.0.1:{long},127.0.0.1:{short},127.0.0.1:1,kafka:x", UPDRAFT_KAFKA_CONFIG="security.protocol=ssl", PATH="/usr/bin:/bin")
        self.assertEqual(code, 1)
        for line in (rf"ok +certificate of Kafka +127\.0\.0\.1:{long}", rf"FAIL +certificate of Kafka +127\.0\.0\.1:{short}: (9|10) days",
                     r"FAIL +certificate of Kafka +127\.0\.0\.1:1: none is shown", r"FAIL +certificate of Kafka +kafka:x: expected host:port"):
            self.assertRegex(said, line)


if __name__ == "__main__":
    unittest.main()
