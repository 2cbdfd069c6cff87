"""Rules for the Compose files and the Dockerfile that no schema knows: what is pinned, limited, published, mounted and named.
compose-config.sh says the rest, where Docker or Compose's own module is.
"""
import re
import sys
from pathlib import Path

import settings
import yaml

ROOT = Path(__file__).resolve().parents[2]
ALERTMANAGER = ROOT / "ops/monitoring/alertmanager/alertmanager.yml"
# Published beyond the loopback, on purpose; those of docker-compose.yml where the operator opens them alone.
PUBLISHED = "${UPDRAFT_PUBLISH:-127.0.0.1}"
OPEN = {"docker-compose.yml": {f"{PUBLISHED}:1883:1883", f"{PUBLISHED}:8090:8090"}, "docker-compose.prod.yml": {"8883:8883", "80:80", "443:443"}, "docker-compose.no-history.yml": set()}
# The operator's further settings.
SETTINGS = [{"path": "${UPDRAFT_SETTINGS:-./updraft.env}", "required": False}]
# Services that production has alone.
PRODUCTION_ALONE = {"proxy", "registry-volume"}
# Volumes at folders that their program's image does not have: Docker makes them root's, and the program is another user.
OWNERS = {"registry": "1001:0"}
# They end, or another watches them.
WITHOUT_HEALTH = {"topics", "registry-volume", "migrate", "demo", "otel", "node-exporter", "redis-exporter", "blackbox-exporter"}


class Loader(yaml.SafeLoader):
    pass


def replaced(loader, node):
    """Compose's !override and !reset: what they hold."""
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node, True)
    return loader.construct_sequence(node, True) if isinstance(node, yaml.SequenceNode) else None


for tag in ("!override", "!reset"):
    Loader.add_constructor(tag, replaced)


def load(name):
    return yaml.load((ROOT / name).read_text(), Loader)


def default(text):
    """What Compose puts in where a variable is not set: ${NAME:-default}."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", str(text))


def pinned(image):
    return re.fullmatch(r"[\w./-]+:v?\d+\.\d+[\w.-]*|updraft(-backup)?:local", image) is not None


def environment(service):
    said = service.get("environment") or {}
    return said if isinstance(said, dict) else dict(one.partition("=")[::2] for one in said)


def mounts(service):
    for volume in service.get("volumes") or []:
        source = volume["source"] if isinstance(volume, dict) else volume.split(":")[0]
        if source.startswith("./"):
            yield source


def health_command(command):
    """The health check of one of our programs: its health command, which for the processor names the command that runs."""
    program, *rest = command
    which = rest[:1] if program == "processor" and rest[:1] != ["run"] else []
    return ["CMD", program, "health", *which]


def problems_of(name, file, service, everything, volumes):
    if "image" in service and not pinned(default(service["image"])):
        yield f"{name}: {service['image']} is not pinned to a version"
    for setting in settings.unknown(environment(service)):
        yield f"{name}: no program has the setting {setting}"
    for port in service.get("ports") or []:
        if not str(port).startswith("127.0.0.1:") and port not in OPEN[file]:
            yield f"{name}: {port} is open to other machines"
    for source in mounts(service):
        if not (ROOT / source).exists():
            yield f"{name}: {source} is not there"
    for volume in service.get("volumes") or []:
        source = volume if isinstance(volume, str) else ""
        if re.match(r"\w+:", source) and source.split(":")[0] not in volumes:
            yield f"{name}: there is no volume {source.split(':')[0]}"
    for other, how in (service.get("depends_on") or {}).items():
        if other not in everything:
            yield f"{name}: there is no {other} to wait for"
        elif how["condition"] == "service_healthy" and "healthcheck" not in everything[other]:
            yield f"{name}: {other} has no health check to wait for"
    if file == "docker-compose.yml" or name not in load("docker-compose.yml")["services"]:
        for what in ("mem_limit", "restart", "logging"):
            if what not in service:
                yield f"{name}: {what} is missing"
        if "healthcheck" not in service and name not in WITHOUT_HEALTH:
            yield f"{name}: has no health check"
        if default(service.get("image", "")).startswith("updraft:") and "healthcheck" in service and "command" in service:
            asked, wanted = service["healthcheck"].get("test"), health_command(service["command"])
            if asked != wanted:
                yield f"{name}: its health is asked with {asked}, not with {wanted}"
        if default(service.get("image", "")).startswith("updraft") and service.get("env_file") != SETTINGS:
            yield f"{name}: a program of ours reads the operator's settings: env_file is {SETTINGS}"
        if default(service.get("image", "")).startswith("updraft") and not (service.get("read_only") and service.get("cap_drop") == ["ALL"]):
            yield f"{name}: a program of ours has a read-only root and no capabilities"


def volume_name(volume):
    return volume.get("source", "") if isinstance(volume, dict) else volume.split(":")[0]


def owners(services, wanted=None):
    """Each volume that an image leaves to root is given to its user by a service that ends, before its programs start."""
    for volume, owner in (OWNERS if wanted is None else wanted).items():
        giver = f"{volume}-volume"
        mounting = [name for name, service in services.items() if volume in map(volume_name, (service or {}).get("volumes") or [])]
        given = services.get(giver) or {}
        entrypoint = given.get("entrypoint") or []
        if giver not in mounting or given.get("user") != "0:0" or entrypoint[:1] != ["chown"] or owner not in entrypoint:
            yield f"{giver}: expected a service that gives the volume {volume} to {owner}, as root with chown"
        for name in mounting:
            if name != giver and ((services[name].get("depends_on") or {}).get(giver) or {}).get("condition") != "service_completed_successfully":
                yield f"{name}: does not wait until {giver} has given the volume {volume} to {owner}"


def reachable(services):
    """The addresses in a service's settings are of services that run whenever it does."""
    for name, service in services.items():
        profiles = set(service.get("profiles") or [])
        for setting, value in environment(service).items():
            for host in re.findall(r"[a-z][a-z0-9-]*(?=:\d)", default(value)):
                theirs = set((services.get(host) or {}).get("profiles") or [])
                if theirs and not (profiles and profiles <= theirs):
                    yield f"{name}: {setting} names {host}, which runs with {', '.join(sorted(theirs))} alone"


def secrets(base, production):
    """What production mounts is declared, and made by the script."""
    made = (ROOT / "ops/docker/make-secrets.sh").read_text()
    programs = re.search(r"^programs=\((.*)\)", made, re.M).group(1).split()
    made_files = {"ca.pem", "kafka.pem", "admin.pem", "grafana_admin", "mqtt.crt", "mqtt.key", *(f"{name}.{end}" for name in programs for end in ("crt", "key"))}
    made_files |= set(re.findall(r">(\w[\w.]*)$", made, re.M)) | set(re.findall(r"^to_fill_in (\w+)", made, re.M))
    declared = set(production["secrets"])
    for name, service in production["services"].items():
        for secret in (service or {}).get("secrets") or []:
            if secret not in declared:
                yield f"{name}: the secret {secret} is not declared"
        read = str(environment(service or {})) + (ALERTMANAGER.read_text() if name == "alertmanager" else "")
        for path in re.findall(r"/run/secrets/([\w.]+)", read):
            if path not in ((service or {}).get("secrets") or []):
                yield f"{name}: uses {path} and does not mount it"
    for secret in sorted(declared - made_files):
        yield f"ops/docker/make-secrets.sh makes no {secret}"
    for name in production["services"]:
        if name not in base["services"] and name not in PRODUCTION_ALONE:
            yield f"{name}: is not in docker-compose.yml"


def dockerfile(text=None):
    text = text or (ROOT / "ops/docker/Dockerfile").read_text()
    stages = set(re.findall(r"^FROM \S+ AS (\w+)", text, re.M))
    wanted = re.search(r'^rust-version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M).group(1)
    for image in re.findall(r"^FROM (\S+)", text, re.M):
        if image not in stages and not re.search(r":(\d+\.\d+|bookworm-slim$)", image):
            yield f"Dockerfile: {image} is not pinned"
    if f"FROM rust:{wanted}-" not in text:
        yield f"Dockerfile: builds with another Rust than Cargo.toml's {wanted}"
    # The layer of the dependencies begins with what changes with them alone.
    layer = re.search(r"^FROM \S+ AS dependencies$(.*?)^FROM dependencies AS programs$", text, re.M | re.S)
    if not layer:
        yield "Dockerfile: programs are not built on a layer of their dependencies"
    elif re.findall(r"^(?:COPY|ADD|ARG) .*$", layer.group(1), re.M) != ["COPY --from=manifests /manifests ./"] or "--mount=type=cache" in layer.group(1):
        yield "Dockerfile: the layer of the dependencies begins with the manifests alone, and has no mounted cache, which would stay outside of it"
    runtime = text.split(" AS runtime", 1)[1]
    if not re.search(r"^USER \d+$", runtime, re.M):
        yield "Dockerfile: programs run as a user with a number, not as root"


def main():
    base, production, no_history = map(load, ("docker-compose.yml", "docker-compose.prod.yml", "docker-compose.no-history.yml"))
    found = list(dockerfile()) + list(secrets(base, production)) + list(owners(production["services"])) + list(reachable(base["services"]))
    everything = base["services"] | {name: production["services"].get(name) or {} for name in PRODUCTION_ALONE}
    for file, said in (("docker-compose.yml", base), ("docker-compose.prod.yml", production), ("docker-compose.no-history.yml", no_history)):
        volumes = set(base["volumes"]) | set(said.get("volumes") or {})
        for name, service in said["services"].items():
            found += [f"{file}: {problem}" for problem in problems_of(name, file, service or {}, everything, volumes)]
    if found:
        sys.exit("\n".join(found))
    print(f"compose: {len(base['services'])} services as the rules say")


if __name__ == "__main__":
    main()
