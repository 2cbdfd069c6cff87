"""Applies all overlays to a real control plane (kube-apiserver and etcd, without nodes), on the server's side, twice: the second time
nothing changes. Operators' kinds have the definitions of their operators. Every pod is accepted under the restricted Pod Security
Standard.

    control_plane.py              the namespaces of staging and production are made by kubectl
    control_plane.py terraform    they are made by terraform/modules/kubernetes, which is applied twice, too

It needs etcd, kube-apiserver and the definitions (just control-plane-setup), and kubectl: just control-plane
"""
import base64
import copy
import json
import os
import secrets
import shutil
import subprocess
import sys
import time

import yaml
from kubernetes import FOREIGN, OVERLAYS, pod_of, render
from processes import CACHE, ROOT, free_port, ok, processes, wait_for

DEFINITIONS = CACHE / "kube/definitions"
# The rules of Prometheus are in no overlay.
DEFINED = sorted(FOREIGN | {"PrometheusRule"})


def needed(program):
    found = shutil.which(program) or shutil.which(program, path=f"{CACHE}/bin")
    return found or sys.exit(f"control-plane: {program} is missing; build it with: just control-plane-setup")


class ControlPlane:
    def __init__(self, running):
        folder = self.folder = running.folder
        client, peer, self.port = free_port(), free_port(), free_port()
        etcd = f"http://127.0.0.1:{client}"
        running.start([needed("etcd"), "--data-dir", folder / "etcd", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                        "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                        "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--unsafe-no-fsync"], "etcd.log")
        token = secrets.token_hex(16)
        (folder / "tokens.csv").write_text(f"{token},operator,operator,system:masters\n")
        subprocess.run(["openssl", "genrsa", "-out", folder / "accounts.key", "2048"], check=True, capture_output=True)
        begun = time.monotonic()
        running.start([needed("kube-apiserver"), "--etcd-servers", etcd, "--secure-port", str(self.port), "--bind-address", "127.0.0.1", "--cert-dir", folder / "certificates",
                        "--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "Node,RBAC", "--token-auth-file", folder / "tokens.csv",
                        "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", folder / "accounts.key",
                        "--service-account-signing-key-file", folder / "accounts.key"], "apiserver.log")
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))
        wait_for("the API server", lambda: self.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 180)
        version = json.loads(self.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"]
        ok(f"control plane {version} is ready after {time.monotonic() - begun:.0f} s")

    def kubectl(self, *arguments, check=True, given=None):
        ran = subprocess.run(["kubectl", "--kubeconfig", self.folder / "kubeconfig", *arguments], capture_output=True, text=True, input=given)
        if check and ran.returncode != 0:
            sys.exit(f"kubectl {' '.join(map(str, arguments))}: {ran.stderr or ran.stdout}")
        return ran

    def define_foreign_kinds(self):
        """The definitions of the operators themselves, with their schemas."""
        files = [DEFINITIONS / f"{kind}.yaml" for kind in DEFINED]
        if missing := [file.name for file in files if not file.is_file()]:
            sys.exit(f"control-plane: {DEFINITIONS} lacks {', '.join(missing)}; bring them with: just control-plane-setup")
        for file in files:
            self.kubectl("apply", "--server-side", "-f", file)
            name = yaml.safe_load(file.read_text())["metadata"]["name"]
            self.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{name}")
        ok(f"{len(files)} kinds of operators are defined: {', '.join(DEFINED)}")

    def stored(self, manifests):
        """Each object as the server has it, without its version and the record of who set which field: for a claim of a volume the
        second apply writes those again, since the server itself had added a finalizer.
        """
        found = {}
        for one in manifests:
            metadata = one["metadata"]
            namespace = ["-n", metadata["namespace"]] if "namespace" in metadata else []
            name = f"{one['kind']}.{version_and_group(one['apiVersion'])}"
            answer = json.loads(self.kubectl("get", name, metadata["name"], *namespace, "-o", "json").stdout)
            for bookkeeping in ("resourceVersion", "managedFields"):
                answer["metadata"].pop(bookkeeping, None)
            found[f"{one['kind']}/{metadata['name']}"] = answer
        return found


def version_and_group(api):
    """As kubectl wants it behind a kind: v1.apps for apps/v1, v1. for v1."""
    group, _, version = api.rpartition("/")
    return f"{version}.{group}"


class Terraform:
    """The module `kubernetes`, applied to the control plane."""

    PASSWORD = "updraft-trial-password"

    def __init__(self, plane, namespace):
        self.plane, self.namespace = plane, namespace
        copied = plane.folder / f"terraform-{namespace}"
        shutil.copytree(ROOT / "terraform/modules/kubernetes", copied / "kubernetes", ignore=shutil.ignore_patterns("tests"))
        self.root = copied / "root"
        self.root.mkdir()
        (self.root / "main.tf").write_text(f"""
terraform {{
  required_providers {{
    kubernetes = {{
      source = "hashicorp/kubernetes"
    }}
  }}
}}
provider "kubernetes" {{
  config_path = "{plane.folder}/kubeconfig"
}}
variable "password" {{
  type      = string
  ephemeral = true
}}
variable "secrets_version" {{
  type = number
}}
module "kubernetes" {{
  source          = "../kubernetes"
  namespace       = "{namespace}"
  settings        = {{ UPDRAFT_LOG_FORMAT = "json" }}
  secrets         = {{ bridge = {{ UPDRAFT_MQTT_PASSWORD = var.password }} }}
  secrets_version = var.secrets_version
}}
""")
        self.run("init")

    def run(self, *arguments, code=0, password=PASSWORD, version=1):
        env = dict(os.environ, TF_VAR_password=password, TF_VAR_secrets_version=str(version))
        ran = subprocess.run([os.environ["UPDRAFT_TOFU"], f"-chdir={self.root}", *arguments], capture_output=True, text=True, env=env)
        if ran.returncode != code:
            sys.exit(f"terraform {' '.join(arguments)}: exit code {ran.returncode} instead of {code}: {ran.stdout}{ran.stderr}")
        return ran.stdout + ran.stderr

    def is_empty(self, when):
        self.run("plan", "-detailed-exitcode")
        ok(f"{self.namespace}: terraform's plan is empty {when}")

    def password(self):
        """As the cluster has it."""
        return base64.b64decode(self.plane.kubectl("get", "secret", "updraft-bridge", "-n", self.namespace, "-o", "jsonpath={.data.UPDRAFT_MQTT_PASSWORD}").stdout).decode()

    def provision(self):
        said = self.run("apply", "-auto-approve")
        ok(f"{self.namespace}: " + next(line for line in said.splitlines() if line.startswith("Apply complete")))
        self.is_empty("after its apply")
        if self.password() != self.PASSWORD or self.PASSWORD in (self.root / "terraform.tfstate").read_text():
            sys.exit("the password is not in the secret, or it is in the state")
        ok(f"{self.namespace}: the password is in the secret, and not in terraform's state")

    def holds(self):
        """After the manifests: nothing of theirs is undone, drift is corrected, a secret is renewed, destroying is refused."""
        self.is_empty("after the manifests")
        self.plane.kubectl("patch", "configmap", "updraft-settings", "-n", self.namespace, "--type", "merge", "-p", '{"data": {"UPDRAFT_LOG_FORMAT": "text"}}')
        if "kubernetes_config_map_v1.settings will be updated" not in (said := self.run("plan", "-detailed-exitcode", code=2)):
            sys.exit(f"the drift is not shown: {said}")
        self.run("apply", "-auto-approve")
        self.is_empty("after drift was shown and corrected")
        self.run("apply", "-auto-approve", password=f"{self.PASSWORD}-2", version=2)
        if self.password() != f"{self.PASSWORD}-2":
            sys.exit("a new secrets_version does not renew the secret")
        if "prevent_destroy" not in (said := self.run("destroy", "-auto-approve", code=1)):
            sys.exit(f"destroying is not refused for its reason: {said}")
        ok(f"{self.namespace}: a secret is renewed with its version, and destroying is refused")


def applied_twice(plane, overlay, manifests, terraform):
    namespace = next(one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"])
    provisioned = None
    if not any(one["kind"] == "Namespace" for one in manifests):
        if terraform:
            provisioned = Terraform(plane, namespace)
            provisioned.provision()
        else:
            plane.kubectl("create", "namespace", namespace)
    plane.kubectl("apply", "--server-side", "-k", overlay)
    first = plane.stored(manifests)
    plane.kubectl("apply", "--server-side", "-k", overlay)
    changed = [name for name, now in plane.stored(manifests).items() if now != first[name]]
    if changed:
        sys.exit(f"{overlay.name}: the second time these change: {', '.join(changed)}")
    differs = plane.kubectl("diff", "--server-side", "-k", overlay, check=False)
    if differs.returncode != 0:
        sys.exit(f"{overlay.name}: kubectl diff: {differs.stdout}{differs.stderr}")
    ok(f"{overlay.name}: {len(manifests)} objects are applied; the second time nothing changes")
    if provisioned:
        provisioned.holds()


def faults_are_refused(plane, overlay, manifests):
    """One misspelt field in each kind: the server knows the schemas of all of them."""
    kinds = {one["kind"]: one for one in manifests if "spec" in one}
    for kind, one in kinds.items():
        fault = copy.deepcopy(one)
        fault["spec"]["misspelt"] = True
        refused = plane.kubectl("apply", "--server-side", "--dry-run=server", "-f", "-", check=False, given=yaml.safe_dump(fault))
        if refused.returncode == 0 or "misspelt" not in refused.stderr:
            sys.exit(f"{overlay.name}: {kind} with an unknown field was accepted: {refused.stdout}{refused.stderr}")
    ok(f"{overlay.name}: an unknown field is refused in each of {len(kinds)} kinds")


def pods_are_accepted(plane, overlay, manifests):
    """Every pod as its controller would make it, in a namespace that allows restricted ones alone; and one that it must refuse."""
    namespace = f"restricted-{overlay.name}"
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.kubectl("apply", "-f", "-", given=yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": label}}))
    # Controllers make it; there is none here.
    accounts = {"default"} | {one["metadata"]["name"] for one in manifests if one["kind"] == "ServiceAccount"}
    for account in sorted(accounts):
        plane.kubectl("create", "serviceaccount", account, "-n", namespace)
    pods = []
    for one in manifests:
        name, (spec, labels) = one["metadata"]["name"], pod_of(one)
        # As the controller of a StatefulSet adds them.
        claims = [template["metadata"]["name"] for template in one.get("spec", {}).get("volumeClaimTemplates", [])]
        volumes = [{"name": claim, "persistentVolumeClaim": {"claimName": f"{claim}-{name}-0"}} for claim in claims]
        if spec:
            pods.append((name, spec | {"volumes": [*spec.get("volumes", []), *volumes]}, labels))
    for name, spec, labels in pods:
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": spec}
        plane.kubectl("create", "--dry-run=server", "-f", "-", given=yaml.safe_dump(pod))
    name, spec, labels = pods[0]
    root = copy.deepcopy(spec)
    root.setdefault("securityContext", {})["runAsNonRoot"] = False
    for container in root["containers"]:
        container["securityContext"] = {}
    pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": namespace, "labels": labels}, "spec": root}
    refused = plane.kubectl("create", "--dry-run=server", "-f", "-", check=False, given=yaml.safe_dump(pod))
    if refused.returncode == 0 or "PodSecurity" not in refused.stderr:
        sys.exit(f"{overlay.name}: a pod that runs as root was accepted: {refused.stderr}")
    ok(f"{overlay.name}: {len(pods)} pods are accepted as restricted ones, and one that runs as root is not")


def rules_are_accepted(plane, namespace):
    rules = subprocess.run([sys.executable, ROOT / "ops/monitoring/prometheus-rule.py"], capture_output=True, text=True, check=True).stdout
    version = None
    for _ in range(2):
        plane.kubectl("apply", "--server-side", "-n", namespace, "-f", "-", given=rules)
        before, version = version, plane.kubectl("get", "prometheusrules", "-n", namespace, "-o", "jsonpath={.items[*].metadata.generation} {.items[*].spec}").stdout
    if version != before:
        sys.exit("the second time the rules of Prometheus change")
    ok("the rules of Prometheus are applied; the second time nothing changes")


def main():
    terraform = sys.argv[1:] == ["terraform"]
    if sys.argv[1:] and not terraform:
        sys.exit(__doc__)
    with processes() as running:
        plane = ControlPlane(running)
        plane.define_foreign_kinds()
        for overlay in sorted(folder for folder in OVERLAYS.iterdir() if folder.is_dir()):
            manifests = render(overlay)
            applied_twice(plane, overlay, manifests, terraform)
            faults_are_refused(plane, overlay, manifests)
            pods_are_accepted(plane, overlay, manifests)
        rules_are_accepted(plane, "updraft")


if __name__ == "__main__":
    main()
