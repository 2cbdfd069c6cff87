# The objects that the manifests of ops/kubernetes expect: the namespace, the common settings and the secrets. The
# manifests themselves are applied with kubectl (ops/kubernetes/README.md): a second tool that owns the same fields
# would undo what autoscalers change.

resource "kubernetes_namespace_v1" "updraft" {
  metadata {
    name = var.namespace
    labels = {
      "app.kubernetes.io/part-of"          = "updraft"
      "pod-security.kubernetes.io/enforce" = "restricted"
    }
  }

  lifecycle {
    prevent_destroy = true
  }
}

resource "kubernetes_config_map_v1" "settings" {
  metadata {
    name      = "updraft-settings"
    namespace = kubernetes_namespace_v1.updraft.metadata[0].name
  }
  data = var.settings
}

resource "kubernetes_secret_v1" "program" {
  for_each = var.programs

  metadata {
    name      = "updraft-${each.value}"
    namespace = kubernetes_namespace_v1.updraft.metadata[0].name
  }
  data_wo          = lookup(var.secrets, each.value, {})
  data_wo_revision = var.secrets_version
}
