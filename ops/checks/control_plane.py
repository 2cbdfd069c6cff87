"""Applies all overlays to a real control plane (kube-apiserver and etcd, without nodes), on the server's side, twice: the second
time nothing changes. Every pod is accepted under the restricted Pod Security Standard.

Needs etcd, kube-apiserver and kubectl: just control-plane
"""
import copy
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from kafka_access import free_port, start, wait_for
from kubernetes import FOREIGN, OVERLAYS, pod_of, render

# Groups and plurals of kinds whose definitions come with their operators.
PLURALS = {"ServiceMonitor": "servicemonitors", "ScaledObject": "scaledobjects", "TriggerAuthentication": "triggerauthentications"}


def needed(program):
    found = shutil.which(program) or shutil.which(program, path=f"{os.environ['UPDRAFT_CACHE']}/bin")
    return found or sys.exit(f"control-plane: {program} is missing; build it with: just control-plane-setup")


class ControlPlane:
    def __init__(self, folder, running):
        self.folder = folder
        client, peer, self.port = free_port(), free_port(), free_port()
        etcd = f"http://127.0.0.1:{client}"
        start(running, [needed("etcd"), "--data-dir", folder / "etcd", "--listen-client-urls", etcd, "--advertise-client-urls", etcd,
                        "--listen-peer-urls", f"http://127.0.0.1:{peer}", "--initial-advertise-peer-urls", f"http://127.0.0.1:{peer}",
                        "--initial-cluster", f"default=http://127.0.0.1:{peer}", "--unsafe-no-fsync"], folder / "etcd.log")
        token = secrets.token_hex(16)
        (folder / "tokens.csv").write_text(f"{token},operator,operator,system:masters\n")
        subprocess.run(["openssl", "genrsa", "-out", folder / "accounts.key", "2048"], check=True, capture_output=True)
        begun = time.monotonic()
        start(running, [needed("kube-apiserver"), "--etcd-servers", etcd, "--secure-port", str(self.port), "--bind-address", "127.0.0.1", "--cert-dir", folder / "certificates",
                        "--service-cluster-ip-range", "10.96.0.0/16", "--authorization-mode", "Node,RBAC", "--token-auth-file", folder / "tokens.csv",
                        "--service-account-issuer", "https://kubernetes.default.svc", "--service-account-key-file", folder / "accounts.key",
                        "--service-account-signing-key-file", folder / "accounts.key"], folder / "apiserver.log")
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": f"https://127.0.0.1:{self.port}", "insecure-skip-tls-verify": True}}],
            "users": [{"name": "it", "user": {"token": token}}],
            "contexts": [{"name": "it", "context": {"cluster": "it", "user": "it"}}],
        }
        (folder / "kubeconfig").write_text(yaml.safe_dump(config))
        wait_for("the API server", lambda: self.kubectl("get", "--raw", "/readyz", check=False).stdout == "ok", 180)
        version = json.loads(self.kubectl("version", "-o", "json").stdout)["serverVersion"]["gitVersion"]
        print(f"ok    control plane {version} is ready after {time.monotonic() - begun:.0f} s", flush=True)

    def kubectl(self, *arguments, check=True, given=None):
        ran = subprocess.run(["kubectl", "--kubeconfig", self.folder / "kubeconfig", *arguments], capture_output=True, text=True, input=given)
        if check and ran.returncode != 0:
            sys.exit(f"kubectl {' '.join(map(str, arguments))}: {ran.stderr or ran.stdout}")
        return ran

    def define_foreign_kinds(self, manifests):
        """Definitions that accept anything: their schemas are their operators'."""
        kinds = {(one["kind"], one["apiVersion"]) for one in manifests if one["kind"] in FOREIGN}
        definitions = []
        for kind, version in sorted(kinds):
            group, number = version.split("/")
            schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
            definitions.append({
                "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": f"{PLURALS[kind]}.{group}"},
                "spec": {"group": group, "scope": "Namespaced", "names": {"kind": kind, "plural": PLURALS[kind], "singular": kind.lower(), "listKind": f"{kind}List"},
                         "versions": [{"name": number, "served": True, "storage": True, "schema": schema}]},
            })
        self.kubectl("apply", "--server-side", "-f", "-", given=yaml.safe_dump_all(definitions))
        for definition in definitions:
            self.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{definition['metadata']['name']}")

    def stored(self, manifests):
        """Version and content of each object, as the server has it."""
        found = {}
        for one in manifests:
            metadata = one["metadata"]
            namespace = ["-n", metadata["namespace"]] if "namespace" in metadata else []
            name = f"{one['kind']}.{version_and_group(one['apiVersion'])}"
            answer = json.loads(self.kubectl("get", name, metadata["name"], *namespace, "-o", "json").stdout)
            found[f"{one['kind']}/{metadata['name']}"] = answer["metadata"]["resourceVersion"]
        return found


def version_and_group(api):
    """As kubectl wants it behind a kind: v1.apps for apps/v1, v1. for v1."""
    group, _, version = api.rpartition("/")
    return f"{version}.{group}"


def applied_twice(plane, overlay):
    manifests = render(overlay)
    namespace = next(one["metadata"]["namespace"] for one in manifests if "namespace" in one["metadata"])
    if not any(one["kind"] == "Namespace" for one in manifests):
        # As terraform/modules/kubernetes does.
        plane.kubectl("create", "namespace", namespace)
    plane.kubectl("apply", "--server-side", "-k", str(overlay))
    first = plane.stored(manifests)
    plane.kubectl("apply", "--server-side", "-k", str(overlay))
    changed = [name for name, version in plane.stored(manifests).items() if version != first[name]]
    if changed:
        sys.exit(f"{overlay.name}: the second time these change: {', '.join(changed)}")
    differs = plane.kubectl("diff", "--server-side", "-k", str(overlay), check=False)
    if differs.returncode != 0:
        sys.exit(f"{overlay.name}: kubectl diff: {differs.stdout}{differs.stderr}")
    print(f"ok    {overlay.name}: {len(manifests)} objects are applied; the second time nothing changes", flush=True)
    return manifests


def pods_are_accepted(plane, overlay, manifests):
    """Every pod as its controller would make it, in a namespace that allows restricted ones alone; and one that it must refuse."""
    namespace = f"restricted-{overlay.name}"
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.kubectl("apply", "-f", "-", given=yaml.safe_dump({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": label}}))
    # Controllers make it; there is none here.
    accounts = {"default"} | {one["metadata"]["name"] for one in manifests if one["kind"] == "ServiceAccount"}
    for account in sorted(accounts):
        plane.kubectl("create", "serviceaccount", account, "-n", namespace)
    pods = [(one["metadata"]["name"], *pod_of(one)) for one in manifests]
    pods = [(name, spec, labels) for name, spec, labels in pods if spec]
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
    print(f"ok    {overlay.name}: {len(pods)} pods are accepted as restricted ones, and one that runs as root is not", flush=True)


def main():
    folder = Path(tempfile.mkdtemp())
    running = []
    try:
        plane = ControlPlane(folder, running)
        overlays = sorted(folder for folder in OVERLAYS.iterdir() if folder.is_dir())
        plane.define_foreign_kinds([one for overlay in overlays for one in render(overlay)])
        for overlay in overlays:
            manifests = applied_twice(plane, overlay)
            pods_are_accepted(plane, overlay, manifests)
    except BaseException:
        print(f"the logs are in {folder}", file=sys.stderr)
        raise
    else:
        shutil.rmtree(folder)
    finally:
        for process in reversed(running):
            process.terminate()
        for process in running:
            process.wait(30)


if __name__ == "__main__":
    main()
