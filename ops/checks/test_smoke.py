"""The smoke test fails where it should: no server, an unexpected answer, wrong arguments."""
import http.server
import subprocess
import threading
import unittest
from pathlib import Path

SMOKE_TEST = Path(__file__).resolve().parents[1] / "smoke-test"


def smoke_test(*arguments):
    return subprocess.run([SMOKE_TEST, *arguments], capture_output=True, text=True, timeout=60)


class Deployment(http.server.BaseHTTPRequestHandler):
    """Healthy, and nothing else."""

    def do_GET(self):
        good = self.path == "/health"
        self.send_response(200 if good else 503)
        self.end_headers()
        self.wfile.write(b'{"status":"ok","version":"1.2.3"}' if good else b"starting")

    do_POST = do_GET

    def log_message(self, *_):
        pass


class SmokeTest(unittest.TestCase):
    def test_a_broken_deployment_fails(self):
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Deployment)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        ran = smoke_test(f"http://127.0.0.1:{server.server_port}")
        self.assertEqual(ran.returncode, 1, ran.stdout)
        self.assertRegex(ran.stdout, r"ok +health")
        self.assertRegex(ran.stdout, r"ok +version +1\.2\.3")
        self.assertRegex(ran.stdout, r"FAIL +ready +/ready: 503 instead of 200: starting")
        self.assertRegex(ran.stdout, r"FAIL +WebSocket +503 instead of 101")

    def test_no_server_fails(self):
        ran = smoke_test("http://127.0.0.1:1")
        self.assertEqual(ran.returncode, 1)
        self.assertNotRegex(ran.stdout, "(?m)^ok")

    def test_wrong_calls_are_reported(self):
        for arguments in ((), ("localhost:8090",), ("http://localhost:8090/map",)):
            ran = smoke_test(*arguments)
            self.assertEqual(ran.returncode, 64, arguments)
            self.assertIn("http://localhost:8090", ran.stderr)


if __name__ == "__main__":
    unittest.main()
