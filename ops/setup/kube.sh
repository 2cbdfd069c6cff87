#!/bin/bash
# Builds kube-apiserver and etcd into the cache, from their Go modules: a control plane without nodes, to which the manifests
# can be applied for real; and brings the definitions of operators' kinds from the operators' modules. Versions and checksums
# are in kube/*/go.mod and go.sum.
#
#   ops/setup/kube.sh
#
# It needs Go 1.21 or later, and a quarter of an hour: no part of setup.sh.
# An etcd of the system (Debian: etcd-server) is used where there is one.
set -euo pipefail
# shellcheck source=ops/setup/go.sh
. "$(dirname "$0")/go.sh"

kubernetes=$(sed -n 's|^\tk8s.io/kubernetes \(v[^ ]*\).*|\1|p' "$here/kube/apiserver/go.mod")
# Without its version the server calls itself v0.0.0, which clients refuse.
version="-X k8s.io/component-base/version.gitVersion=$kubernetes -X k8s.io/component-base/version.gitMajor=1"
version="$version -X k8s.io/component-base/version.gitMinor=$(cut -d . -f 2 <<<"$kubernetes")"

# definition KIND MODULE FILE: a custom resource definition of its operator's module.
definition() {
    local module
    module=$(cd "$here/kube/definitions" && go mod download -json "$2" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    install -m 644 "$module/$3" "$UPDRAFT_CACHE/kube/definitions/$1.yaml"
}

definitions() {
    mkdir -p "$UPDRAFT_CACHE/kube/definitions"
    local keda=github.com/kedacore/keda/v2 prometheus=github.com/prometheus-operator/prometheus-operator
    definition ScaledObject $keda config/crd/bases/keda.sh_scaledobjects.yaml
    definition TriggerAuthentication $keda config/crd/bases/keda.sh_triggerauthentications.yaml
    definition ServiceMonitor $prometheus example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml
    definition Probe $prometheus example/prometheus-operator-crd/monitoring.coreos.com_probes.yaml
    definition PrometheusRule $prometheus example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml
}

have etcd || go_program kube-etcd "$here/kube/etcd" go.etcd.io/etcd/server/v3 "$UPDRAFT_CACHE/bin/etcd"
go_program kube-apiserver "$here/kube/apiserver" k8s.io/kubernetes/cmd/kube-apiserver "$UPDRAFT_CACHE/bin/kube-apiserver" "$version"
once kube-definitions "$(cat "$here"/kube/definitions/* "$here/kube.sh")" definitions
finish
say "$("$UPDRAFT_CACHE/bin/kube-apiserver" --version), $(etcd --version | head -n 1)"
