"""The manifests as kubectl renders them: valid by Kubernetes' own schemas, and by rules that no schema knows."""
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import kubernetes_validate
import settings
import yaml

OVERLAYS = Path(__file__).resolve().parents[2] / "ops/kubernetes/overlays"
VERSIONS = ("1.30", "1.34")
# Kinds of operators, whose schemas are theirs.
FOREIGN = {"Probe", "ServiceMonitor", "ScaledObject", "TriggerAuthentication"}
# The known ports; a policy names no other.
LISTENING = {53: "names", 443: "outside", 4318: "traces", 6379: "Redis", 8080: "registry", 8090: "pusher", 8443: "ClickHouse", 8883: "MQTT", 9093: "Kafka", 9115: "probes", 9121: "metrics of Redis", 9440: "ClickHouse", **{port: "admin" for port in range(9101, 9107)}}
# Ports that several services have: these in another namespace than the known one.
ALSO = {("kafka", 8443): "registry"}
# Where each program connects to: the arrows of the design.
ARROWS = {
    "bridge": {"MQTT", "Kafka", "registry", "traces"},
    "processor": {"Kafka", "registry", "Redis", "traces"},
    "thermals": {"Kafka", "registry", "Redis", "traces"},
    "receivers": {"Kafka", "registry", "traces"},
    "historian": {"Kafka", "registry", "ClickHouse", "traces"},
    # Outside: the identity provider, webhooks and push services.
    "pusher": {"Kafka", "registry", "Redis", "ClickHouse", "outside", "traces"},
    # Outside: its store.
    "archive": {"Kafka", "registry", "outside"},
    "backup": {"ClickHouse"},
    "accounts": {"Kafka"},
    "redis": set(),
    # Outside: the map, by its public name.
    "blackbox-exporter": {"outside", "MQTT"},
}
# Programs, and the variables of Terraform that name a service of theirs.
USES = [("processor", "kafka_bootstrap"), ("processor", "schema_registry_url"), ("bridge", "mqtt_url"), ("historian", "clickhouse_host"), ("processor", "redis_url")]
# Names of the ports that have metrics.
METRICS = {"admin", "metrics"}
# The namespace of Prometheus.
PROMETHEUS = {"kubernetes.io/metadata.name": "monitoring"}
EXTERNAL = Path(__file__).resolve().parents[2] / "ops/monitoring/external-metrics.toml"
# The largest request of the REST interface: a file of zones.
ZONE_LIMITS = Path(__file__).resolve().parents[2] / "crates/zones/src/limits.rs"
BODY_SIZE = "nginx.ingress.kubernetes.io/proxy-body-size"
# Where the topics of an overlay get their prefix and partitions from; dev has no autoscaler.
ENVIRONMENT = Path(__file__).resolve().parents[2] / "terraform/environments/production"


class Installation:
    """What the overlay's example of Terraform's variables sets."""

    def __init__(self, name):
        file = ENVIRONMENT / f"{name}.tfvars.example"
        self.variables = dict(re.findall(r'^(\w+)\s*=\s*"?([^"\n]*?)"?$', file.read_text() if file.exists() else "", re.M))
        self.prefix = self.variables.get("topic_prefix", "")
        # Of the topics that scale.
        self.partitions = int(self.variables.get("partitions", 24))


def render(overlay):
    ran = subprocess.run(["kubectl", "kustomize", str(overlay)], capture_output=True, text=True)
    if ran.returncode != 0:
        sys.exit(f"{overlay.name}: {ran.stderr}")
    return [one for one in yaml.safe_load_all(ran.stdout) if one]


def pod_of(manifest):
    """The pod's specification and labels, where there is one."""
    kind, spec = manifest["kind"], manifest.get("spec") or {}
    if kind == "CronJob":
        spec = spec["jobTemplate"]["spec"]
    elif kind not in ("Deployment", "StatefulSet"):
        return None, {}
    template = spec["template"]
    return template["spec"], template["metadata"]["labels"]


def problems_of_schema(manifest, version):
    if manifest["kind"] in FOREIGN:
        return
    try:
        kubernetes_validate.validate(manifest, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        yield f"not valid in {version}: {'.'.join(map(str, error.path))}: {error.message[:200]}"


def problems_of_container(container, runs_on):
    name, security, resources = container["name"], container.get("securityContext", {}), container.get("resources", {})
    if not re.search(r":v?\d+\.\d+", container["image"]):
        yield f"{name}: {container['image']} is not pinned to a version"
    if security.get("allowPrivilegeEscalation") is not False or security.get("readOnlyRootFilesystem") is not True or security.get("capabilities", {}).get("drop") != ["ALL"]:
        yield f"{name}: no escalation, a read-only root and no capabilities are needed"
    if not {"cpu", "memory"} <= set(resources.get("requests", {})) or "memory" not in resources.get("limits", {}):
        yield f"{name}: requests of CPU and memory and a limit of memory are needed"
    if runs_on:
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            if probe not in container:
                yield f"{name}: {probe} is missing"
    for setting in settings.unknown(one["name"] for one in container.get("env", [])):
        yield f"{name}: no program has the setting {setting}"
    ports = {port["name"] for port in container.get("ports", [])}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        for how in ("httpGet", "tcpSocket"):
            port = container.get(probe, {}).get(how, {}).get("port")
            if port is not None and port not in ports:
                yield f"{name}: {probe} asks port {port}, which is not among {sorted(ports)}"


def problems_of_pod(manifest, pod):
    security, runs_on = pod.get("securityContext", {}), manifest["kind"] != "CronJob"
    if security.get("runAsNonRoot") is not True or not security.get("runAsUser") or security.get("seccompProfile", {}).get("type") != "RuntimeDefault":
        yield "runAsNonRoot, a user with a number and seccomp RuntimeDefault are needed"
    if pod.get("automountServiceAccountToken") is not False:
        yield "no pod needs a token of the cluster"
    for container in pod.get("initContainers", []):
        yield from problems_of_container(container, False)
    for container in pod["containers"]:
        yield from problems_of_container(container, runs_on)
        is_program = container["image"].split("/")[-1].startswith("updraft")
        # The backup's script writes none.
        if is_program and "backup" not in container["image"] and "/tmp" not in {mount["mountPath"] for mount in container.get("volumeMounts", [])}:
            yield f"{container['name']}: a volume at /tmp is needed for temporary files, beside the read-only root"
        drain = 20 + container.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
        if runs_on and is_program and pod.get("terminationGracePeriodSeconds", 30) <= drain:
            yield f"{container['name']}: is killed before it has drained ({drain} s)"


def selected(manifest, pods):
    """Names of the pods that a selector finds."""
    spec = manifest["spec"]
    selector = spec.get("podSelector", spec.get("selector", {}))
    wanted = selector.get("matchLabels", selector if manifest["kind"] == "Service" else {})
    return [name for name, (_, labels) in pods.items() if wanted.items() <= labels.items()]


def fewest(name, manifests):
    """How many replicas of a workload there are at least."""
    for one in manifests:
        spec = one.get("spec", {})
        if one["kind"] in ("HorizontalPodAutoscaler", "ScaledObject") and spec["scaleTargetRef"]["name"] == name:
            return spec.get("minReplicas", spec.get("minReplicaCount"))
    return next(one["spec"].get("replicas", 1) for one in manifests if one["metadata"]["name"] == name and one["kind"] in ("Deployment", "StatefulSet"))


def largest_request():
    """Bytes of the largest import of zones, from the source."""
    number, shift = re.search(r"IMPORT_BYTES: usize = (\d+) << (\d+);", ZONE_LIMITS.read_text()).groups()
    return int(number) << int(shift)


def problems_of_ingress(manifest):
    """ingress-nginx accepts more than the largest request, so that the pusher itself refuses larger ones and says why; 1m is its
    default, and 0 is no limit.
    """
    said = manifest["metadata"].get("annotations", {}).get(BODY_SIZE, "1m")
    number, unit = re.fullmatch(r"(\d+)([kmg]?)", said).groups()
    size = int(number) << {"": 0, "k": 10, "m": 20, "g": 30}[unit]
    if size and size <= largest_request():
        yield f"{BODY_SIZE} {said} refuses files of zones: expected more than {largest_request()} bytes, for example 9m"


def problems_of_lag(scaled, installation):
    """A program's own group and topic decide about its replicas, and each replica has as many partitions as another."""
    for bound in (scaled["spec"]["minReplicaCount"], scaled["spec"]["maxReplicaCount"]):
        if installation.partitions % bound:
            yield f"{bound} does not divide {installation.partitions} partitions"
    group = installation.prefix + scaled["spec"]["scaleTargetRef"]["name"]
    for read in (trigger["metadata"] for trigger in scaled["spec"]["triggers"]):
        if read["consumerGroup"] != group:
            yield f"reads the lag of the group {read['consumerGroup']} instead of {group}"
        if not read["topic"].startswith(f"{installation.prefix}fanet."):
            yield f"reads the topic {read['topic']}, which has not the prefix {installation.prefix!r}"


def egress_of(name, policies, pods):
    """The rules by which a pod may connect."""
    return [rule for policy in policies if policy["spec"]["podSelector"] and name in selected(policy, pods) for rule in policy["spec"].get("egress", [])]


def destinations(rule):
    """Namespace, None where a rule names none, and port."""
    peers = [peer.get("namespaceSelector", {}).get("matchLabels", {}).get("kubernetes.io/metadata.name") for peer in rule.get("to", [{}])]
    return {(namespace, port["port"]) for namespace in peers for port in rule["ports"]}


def problems_of_addresses(manifests, installation):
    """The addresses of the example of Terraform's variables are those that the policies admit."""
    pods = {one["metadata"]["name"]: pod_of(one) for one in manifests if pod_of(one)[0]}
    policies = [one for one in manifests if one["kind"] == "NetworkPolicy"]
    for program, variable in USES:
        admitted = {where for rule in egress_of(program, policies, pods) for where in destinations(rule)}
        for address in installation.variables.get(variable, "").split(","):
            host, port = re.fullmatch(r"(?:\w+://)?([^:/]+)(?::(\d+))?(?:/.*)?", address).groups()
            _, _, namespace = host.partition(".")
            # ClickHouse's name has no port, and Redis is a pod of the overlay's own namespace.
            where = (None if variable == "redis_url" else namespace, int(port or (8443 if variable == "clickhouse_host" else 443)))
            if where not in admitted:
                yield f"{variable}: no policy lets {program} connect to {address}"
            elif variable == "redis_url" and namespace != manifests[0]["metadata"].get("namespace", namespace):
                yield f"{variable}: {address} is not in the namespace of the overlay"
    hosts = {one["value"] for pod, _ in pods.values() for container in pod["containers"] for one in container.get("env", []) if one["name"] == "BACKUP_HOST"}
    if hosts != {installation.variables.get("clickhouse_host")}:
        yield f"the job backup saves {', '.join(sorted(hosts))} instead of clickhouse_host"


def problems_of_all(manifests, installation):
    pods = {one["metadata"]["name"]: pod_of(one) for one in manifests if pod_of(one)[0]}
    policies = [one for one in manifests if one["kind"] == "NetworkPolicy"]
    for one in manifests:
        where = f"{one['kind']} {one['metadata']['name']}"
        if one["kind"] in ("Service", "PodDisruptionBudget", "NetworkPolicy") and not selected(one, pods):
            yield f"{where}: selects nothing"
        if one["kind"] == "Service":
            for name in selected(one, pods):
                ports = {port["name"] for container in pods[name][0]["containers"] for port in container.get("ports", [])}
                for port in one["spec"]["ports"]:
                    if port["targetPort"] not in ports:
                        yield f"{where}: {name} has no port {port['targetPort']}"
        if one["kind"] in ("HorizontalPodAutoscaler", "ScaledObject"):
            target = one["spec"]["scaleTargetRef"]["name"]
            if target not in pods:
                yield f"{where}: there is no {target}"
            scaled = next((other for other in manifests if other["kind"] == "Deployment" and other["metadata"]["name"] == target), {})
            if "replicas" in scaled.get("spec", {}):
                yield f"{where}: {target} has a number of replicas, too"
        if one["kind"] == "PodDisruptionBudget" and "minAvailable" in one["spec"]:
            for name in selected(one, pods):
                if fewest(name, manifests) <= one["spec"]["minAvailable"]:
                    yield f"{where}: no node could be drained, since there may be no more than {fewest(name, manifests)} of {name}"
        if one["kind"] == "ScaledObject":
            yield from (f"{where}: {problem}" for problem in problems_of_lag(one, installation))
        if one["kind"] == "NetworkPolicy":
            for rule in [*one["spec"].get("ingress", []), *one["spec"].get("egress", [])]:
                for port in rule.get("ports", [{"port": None}]):
                    if port["port"] not in LISTENING:
                        yield f"{where}: nothing listens on {port['port']}"
    if policies:
        if not any(policy["spec"]["podSelector"] == {} and set(policy["spec"]["policyTypes"]) == {"Ingress", "Egress"} and "egress" not in policy["spec"] for policy in policies):
            yield "no policy denies by default"
        for name, (pod, _) in pods.items():
            if not any(policy["spec"]["podSelector"] and "Egress" in policy["spec"]["policyTypes"] and name in selected(policy, pods) for policy in policies):
                yield f"{name}: no policy says where it may go"
            elif name in ARROWS:
                rules = egress_of(name, policies, pods)
                reached = {ALSO.get(where, LISTENING.get(where[1])) for rule in rules for where in destinations(rule)}
                if reached != ARROWS[name]:
                    yield f"{name}: may connect to {sorted(map(str, reached))} instead of {sorted(ARROWS[name])}"
            else:
                yield f"{name}: the design has no arrows for it"


def read_by(monitor, manifests, pods):
    """The pods and ports that a monitor reads, of these manifests."""
    services = [one for one in manifests if one["kind"] == "Service"]
    if monitor["kind"] == "Probe":
        name, _, number = monitor["spec"]["prober"]["url"].partition(":")
        found = [(service, port) for service in services for port in service["spec"]["ports"] if service["metadata"]["name"] == name and str(port["port"]) == number]
    else:
        wanted, named = monitor["spec"]["selector"].get("matchLabels", {}), {endpoint["port"] for endpoint in monitor["spec"]["endpoints"]}
        found = [(service, port) for service in services for port in service["spec"]["ports"]
                 if wanted and wanted.items() <= service["metadata"].get("labels", {}).items() and port["name"] in named]
    return {(pod, port["targetPort"]) for service, port in found for pod in selected(service, pods)}


def problems_of_monitors(manifests):
    """Where there are monitors, every port with metrics has one, which may reach it, and so has every source of an alert."""
    monitors = {one["metadata"]["name"]: one for one in manifests if one["kind"] in ("Probe", "ServiceMonitor")}
    if not monitors:
        return
    pods = {one["metadata"]["name"]: pod_of(one) for one in manifests if pod_of(one)[0]}
    read = set()
    for name, monitor in monitors.items():
        reads = read_by(monitor, manifests, pods)
        # Another namespace's are not among these manifests.
        if not reads and "namespaceSelector" not in monitor["spec"]:
            yield f"{monitor['kind']} {name}: reads no port of a pod"
        read |= reads
    for name, (pod, labels) in pods.items():
        for port in (port for container in pod["containers"] for port in container.get("ports", []) if port["name"] in METRICS):
            if (name, port["name"]) not in read:
                yield f"{name}: no monitor reads its port {port['name']}"
            elif not any(rule_allows(rule, port["containerPort"]) for policy in manifests if policy["kind"] == "NetworkPolicy" and name in selected(policy, pods) for rule in policy["spec"].get("ingress", [])):
                yield f"{name}: no policy lets Prometheus read its port {port['name']}"
    for exporter in tomllib.loads(EXTERNAL.read_text())["exporter"]:
        monitor = monitors.get(exporter["monitor"])
        if not monitor:
            yield f"there is no monitor {exporter['monitor']} for {exporter['name']}, which alerts read"
            continue
        kept = [rule["regex"] for endpoint in monitor["spec"].get("endpoints", []) for rule in endpoint.get("metricRelabelings", []) if rule["action"] == "keep"]
        for metric in (metric for metric in exporter["metrics"] if metric.startswith(("kube_", "kubelet_"))):
            if not all(re.fullmatch(regex, metric) for regex in kept):
                yield f"ServiceMonitor {exporter['monitor']}: does not keep {metric}, which alerts read"
    probed = {target for monitor in monitors.values() if monitor["kind"] == "Probe" for target in monitor["spec"]["targets"]["staticConfig"]["static"]}
    for host in (host for one in manifests if one["kind"] == "Ingress" for tls in one["spec"].get("tls", []) for host in tls["hosts"]):
        if f"{host}:443" not in probed:
            yield f"no Probe looks at the certificate of {host}"


def rule_allows(rule, port):
    """Whether a rule of a policy lets Prometheus reach a port."""
    return any(peer.get("namespaceSelector", {}).get("matchLabels") == PROMETHEUS for peer in rule["from"]) and any(one["port"] == port for one in rule["ports"])


def check(manifests, versions=VERSIONS, installation=Installation("production")):
    for one in manifests:
        where = f"{one['kind']} {one['metadata']['name']}"
        for version in versions:
            yield from (f"{where}: {problem}" for problem in problems_of_schema(one, version))
        pod, _ = pod_of(one)
        if pod:
            yield from (f"{where}: {problem}" for problem in problems_of_pod(one, pod))
        if one["kind"] == "Ingress":
            yield from (f"{where}: {problem}" for problem in problems_of_ingress(one))
    yield from problems_of_all(manifests, installation)
    yield from problems_of_monitors(manifests)
    if installation.variables:
        yield from problems_of_addresses(manifests, installation)


def main():
    found, count = [], 0
    for overlay in sorted(OVERLAYS.iterdir()):
        manifests = render(overlay)
        count += len(manifests)
        found += [f"{overlay.name}: {problem}" for problem in check(manifests, installation=Installation(overlay.name))]
    if found or not count:
        sys.exit("\n".join(found) or "kubernetes: no manifests")
    print(f"kubernetes: {count} manifests of {len(list(OVERLAYS.iterdir()))} overlays are valid in {' and '.join(VERSIONS)}")


if __name__ == "__main__":
    main()
