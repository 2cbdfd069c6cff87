"""What the rules for the manifests find, planted into production's."""
import copy
import unittest

import kubernetes

PRODUCTION = kubernetes.render(kubernetes.OVERLAYS / "production")


class Planted(unittest.TestCase):
    def problems(self, kind, name, change, versions=()):
        manifests = copy.deepcopy(PRODUCTION)
        change(next(one for one in manifests if one["kind"] == kind and one["metadata"]["name"] == name))
        return "\n".join(kubernetes.check(manifests, versions))

    def pod(self, change):
        return self.problems("Deployment", "processor", lambda one: change(one["spec"]["template"]["spec"]))

    def container(self, change):
        return self.pod(lambda pod: change(pod["containers"][0]))

    def test_as_it_is_nothing_is_found(self):
        self.assertEqual("\n".join(kubernetes.check(PRODUCTION, ())), "")

    def test_unknown_fields_are_found(self):
        def misspelt(deployment):
            deployment["spec"]["template"]["spec"]["containers"][0].update(imagePullPolice="Always")

        self.assertIn("not valid in 1.34", self.problems("Deployment", "processor", misspelt, ("1.34",)))

    def test_root_and_tokens_are_found(self):
        self.assertIn("runAsNonRoot", self.pod(lambda pod: pod["securityContext"].pop("runAsNonRoot")))
        self.assertIn("token", self.pod(lambda pod: pod.update(automountServiceAccountToken=True)))
        self.assertIn("read-only root", self.container(lambda container: container["securityContext"].pop("readOnlyRootFilesystem")))

    def test_programs_without_a_place_for_temporary_files_are_found(self):
        for kind, name in (("Deployment", "pusher"), ("CronJob", "archive")):
            problems = self.problems(kind, name, lambda one: kubernetes.pod_of(one)[0]["containers"][0].update(volumeMounts=[]))
            self.assertIn(f"{name}: a volume at /tmp is needed", problems)

    def test_unpinned_images_and_missing_limits_are_found(self):
        self.assertIn("not pinned", self.container(lambda container: container.update(image="updraft:latest")))
        self.assertIn("limit of memory", self.container(lambda container: container["resources"].pop("limits")))

    def test_unknown_settings_are_found(self):
        self.assertIn("no program has the setting UPDRAFT_SPEED", self.container(lambda container: container["env"].append({"name": "UPDRAFT_SPEED", "value": "1"})))

    def test_probes_of_no_port_are_found(self):
        self.assertIn("asks port http", self.container(lambda container: container["readinessProbe"]["httpGet"].update(port="http")))
        self.assertIn("livenessProbe is missing", self.container(lambda container: container.pop("livenessProbe")))

    def test_a_kill_before_the_drain_is_found(self):
        self.assertIn("killed before", self.pod(lambda pod: pod.update(terminationGracePeriodSeconds=20)))

    def test_policies_that_fit_nothing_are_found(self):
        def other_port(policy):
            policy["spec"]["egress"][0]["ports"][0]["port"] = 9092

        self.assertIn("nothing listens on 9092", self.problems("NetworkPolicy", "processor", other_port))
        self.assertIn("no policy says where it may go", self.problems("NetworkPolicy", "backup", lambda policy: policy["spec"]["podSelector"]["matchLabels"].update({"app.kubernetes.io/name": "backups"})))
        self.assertIn("denies by default", self.problems("NetworkPolicy", "nothing-by-default", lambda policy: policy["spec"].update(policyTypes=["Ingress"])))

    def test_other_arrows_than_the_design_has_are_found(self):
        def clickhouse_too(policy):
            policy["spec"]["egress"].append({"ports": [{"port": 8443}]})

        self.assertIn("receivers: may connect to ['ClickHouse', 'Kafka', 'registry', 'traces'] instead of", self.problems("NetworkPolicy", "receivers", clickhouse_too))
        self.assertIn("instead of ['Kafka', 'registry', 'traces']", self.problems("NetworkPolicy", "receivers", lambda policy: policy["spec"]["egress"].pop()))

    def test_addresses_that_no_policy_admits_are_found(self):
        def plain_registry(policy):
            policy["spec"]["egress"][1]["ports"].remove({"port": 8443})

        self.assertIn("schema_registry_url: no policy lets processor connect to https://registry.kafka:8443", self.problems("NetworkPolicy", "processor", plain_registry))
        found = "\n".join(kubernetes.check(PRODUCTION, (), kubernetes.Installation("staging")))
        for problem in (
            "mqtt_url: no policy lets bridge connect to mqtts://mqtt.mqtt-staging:8883",
            "clickhouse_host: no policy lets historian connect to clickhouse.clickhouse-staging",
            "redis_url: redis://redis.updraft-staging:6379 is not in the namespace of the overlay",
            "the job backup saves clickhouse.clickhouse instead of clickhouse_host",
        ):
            self.assertIn(problem, found)

    def test_bounds_that_do_not_divide_are_found(self):
        self.assertIn("5 does not divide 24", self.problems("ScaledObject", "processor", lambda one: one["spec"].update(maxReplicaCount=5)))

    def test_the_lag_of_another_installation_is_found(self):
        staging = kubernetes.Installation("staging")
        self.assertEqual((staging.prefix, staging.partitions), ("staging.", 6))
        found = "\n".join(kubernetes.check(PRODUCTION, (), staging))
        for problem in (
            "ScaledObject processor: 12 does not divide 6 partitions",
            "ScaledObject processor: reads the lag of the group processor instead of staging.processor",
            "ScaledObject historian: reads the topic fanet.observation.v1, which has not the prefix 'staging.'",
        ):
            self.assertIn(problem, found)

    def test_budgets_that_block_a_drain_are_found(self):
        self.assertIn("no node could be drained", self.problems("PodDisruptionBudget", "processor", lambda one: one["spec"].update(minAvailable=2)))

    def test_services_without_pods_are_found(self):
        self.assertIn("Service pusher: selects nothing", self.problems("Service", "pusher", lambda one: one["spec"]["selector"].update({"app.kubernetes.io/name": "push"})))

    def test_an_ingress_that_refuses_zone_files_is_found(self):
        self.assertEqual(kubernetes.largest_request(), 8 << 20)
        self.assertIn("Ingress map: nginx.ingress.kubernetes.io/proxy-body-size 1m refuses", self.problems("Ingress", "map", lambda one: one["metadata"]["annotations"].pop(kubernetes.BODY_SIZE)))
        self.assertIn("proxy-body-size 8m refuses", self.problems("Ingress", "map", lambda one: one["metadata"]["annotations"].update({kubernetes.BODY_SIZE: "8m"})))
        self.assertEqual(self.problems("Ingress", "map", lambda one: one["metadata"]["annotations"].update({kubernetes.BODY_SIZE: "0"})), "")

    def test_ports_with_metrics_and_no_monitor_are_found(self):
        def unlabelled(service):
            service["metadata"]["labels"].pop("updraft.io/admin")

        self.assertIn("pusher: no monitor reads its port admin", self.problems("Service", "pusher-admin", unlabelled))
        self.assertIn("redis: no monitor reads its port metrics", self.problems("ServiceMonitor", "redis", lambda one: one["spec"]["endpoints"][0].update(port="redis-metrics")))
        self.assertIn("Probe certificates: reads no port", self.problems("Probe", "certificates", lambda one: one["spec"]["prober"].update(url="blackbox:9115")))

    def test_monitors_that_a_policy_blocks_are_found(self):
        self.assertIn("thermals: no policy lets Prometheus read its port admin", self.problems("NetworkPolicy", "metrics", lambda one: one["spec"]["ingress"][0]["ports"].remove({"port": 9105})))

    def test_sources_of_alerts_without_a_monitor_are_found(self):
        self.assertIn("there is no monitor node-exporter", self.problems("ServiceMonitor", "node-exporter", lambda one: one["metadata"].update(name="nodes")))
        self.assertIn("does not keep kube_cronjob_created", self.problems("ServiceMonitor", "kube-state-metrics", lambda one: one["spec"]["endpoints"][0]["metricRelabelings"][0].update(regex="kube_pod_.*")))
        self.assertIn("does not keep kubelet_volume_stats_available_bytes", self.problems("ServiceMonitor", "kubelet", lambda one: one["spec"]["endpoints"][0]["metricRelabelings"][0].update(regex="kube_.*")))
        self.assertIn("no Probe looks at the certificate of map.example.org", self.problems("Probe", "certificates", lambda one: one["spec"]["targets"]["staticConfig"]["static"].pop(0)))

    def test_without_monitors_nothing_is_missed(self):
        self.assertEqual(list(kubernetes.problems_of_monitors([one for one in PRODUCTION if one["kind"] not in ("Probe", "ServiceMonitor")])), [])

    def test_the_probes_are_those_of_compose(self):
        there = kubernetes.OVERLAYS.parent / "components/monitoring/blackbox.yml"
        self.assertEqual(there.read_text(), (kubernetes.EXTERNAL.parent / "blackbox/blackbox.yml").read_text())


if __name__ == "__main__":
    unittest.main()
