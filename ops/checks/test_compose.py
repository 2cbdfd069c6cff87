"""What the rules for Compose find."""
import unittest

import compose

KNOWN = {"kafka": {"healthcheck": {}}, "registry": {}}
SOUND = {"image": "redis:7.4.5", "mem_limit": "1g", "restart": "always", "logging": {}, "healthcheck": {}}


def problems(**changes):
    return [problem for problem in compose.problems_of("x", "docker-compose.yml", SOUND | changes, KNOWN, {"data"})]


class Rules(unittest.TestCase):
    def test_a_sound_service_passes(self):
        self.assertEqual(problems(ports=["127.0.0.1:1:1", "${UPDRAFT_PUBLISH:-127.0.0.1}:8090:8090"], volumes=["data:/data", "./ops:/ops"], environment={"UPDRAFT_LOG": "info", "UPDRAFT_REDIS_URL_FILE": "/x"}), [])

    def test_each_rule_finds_its_fault(self):
        for changes, text in (
            ({"image": "redis:latest"}, "not pinned"),
            ({"image": "redis"}, "not pinned"),
            ({"image": "redis:7"}, "not pinned"),
            ({"image": "${UPDRAFT_IMAGE:-updraft:latest}"}, "not pinned"),
            ({"environment": ["UPDRAFT_LOGS=info"]}, "no program has the setting UPDRAFT_LOGS"),
            ({"ports": ["6379:6379"]}, "open to other machines"),
            ({"ports": ["8090:8090"]}, "open to other machines"),
            ({"ports": ["${UPDRAFT_PUBLISH:-0.0.0.0}:8090:8090"]}, "open to other machines"),
            ({"ports": ["${UPDRAFT_PUBLISH:-127.0.0.1}:6379:6379"]}, "open to other machines"),
            ({"volumes": ["./nowhere:/x"]}, "./nowhere is not there"),
            ({"volumes": ["date:/x"]}, "there is no volume date"),
            ({"depends_on": {"kafkas": {"condition": "service_started"}}}, "there is no kafkas"),
            ({"depends_on": {"registry": {"condition": "service_healthy"}}}, "no health check to wait for"),
            ({"mem_limit": None, "image": "updraft:local"}, "read-only root"),
            ({"image": "updraft:local"}, "reads the operator's settings"),
            ({"image": "updraft:local", "env_file": ["./updraft.env"]}, "reads the operator's settings"),
        ):
            self.assertIn(text, "\n".join(problems(**changes)), changes)

    def test_programs_are_asked_by_themselves(self):
        program = {"image": "updraft:local", "read_only": True, "cap_drop": ["ALL"], "env_file": compose.SETTINGS}
        for command, test, is_sound in (
            (["bridge"], ["CMD", "bridge", "health"], True),
            (["pusher", "run"], ["CMD", "pusher", "health"], True),
            (["processor", "run"], ["CMD", "processor", "health"], True),
            (["processor", "archive", "--to", "x"], ["CMD", "processor", "health", "archive"], True),
            (["processor", "thermals"], ["CMD", "processor", "health"], False),
            (["bridge"], ["CMD", "curl", "http://localhost:9101/health"], False),
        ):
            found = problems(**program, command=command, healthcheck={"test": test})
            self.assertEqual(found == [], is_sound, found)

    def test_volumes_get_their_owner_first(self):
        mounts = {"volumes": ["registry:/x"]}
        giver = mounts | {"user": "0:0", "entrypoint": ["chown", "-R", "1001:0", "/x"]}
        waiting = mounts | {"depends_on": {"registry-volume": {"condition": "service_completed_successfully"}}}
        started = mounts | {"depends_on": {"registry-volume": {"condition": "service_started"}}}
        for services, text in (
            ({"registry": waiting, "registry-volume": giver}, ""),
            ({"registry": waiting, "registry-volume": giver, "demo": None}, ""),
            ({"registry": mounts, "registry-volume": giver}, "registry: does not wait"),
            ({"registry": started, "registry-volume": giver}, "registry: does not wait"),
            ({"registry": waiting}, "registry-volume: expected a service"),
            ({"registry": waiting, "registry-volume": giver | {"user": "1001:0"}}, "registry-volume: expected a service"),
            ({"registry": waiting, "registry-volume": giver | {"entrypoint": ["chown", "0:0", "/x"]}}, "registry-volume: expected a service"),
            ({"registry": waiting, "registry-volume": {name: giver[name] for name in ("user", "entrypoint")}}, "registry-volume: expected a service"),
        ):
            found = "\n".join(compose.owners(services, {"registry": "1001:0"}))
            self.assertTrue(found.startswith(text) and bool(found) == bool(text), (services, found))

    def test_addresses_are_of_services_that_run(self):
        for own, theirs, is_sound in (([], [], True), (["demo"], [], True), (["all"], ["history", "all"], True), ([], ["history"], False), (["demo"], ["history"], False), (["demo", "all"], ["all"], False)):
            services = {"pusher": {"profiles": own, "environment": {"UPDRAFT_CLICKHOUSE_URL": "${X:-http://clickhouse:8123}", "UPDRAFT_OTLP_ENDPOINT": "${Y:-}"}}, "clickhouse": {"profiles": theirs}}
            found = list(compose.reachable(services))
            self.assertEqual(found == [], is_sound, found)

    def test_missing_limits_are_found(self):
        service = {name: value for name, value in SOUND.items() if name not in ("mem_limit", "healthcheck")}
        found = list(compose.problems_of("x", "docker-compose.yml", service, KNOWN, set()))
        self.assertEqual(found, ["x: mem_limit is missing", "x: has no health check"])


if __name__ == "__main__":
    unittest.main()
