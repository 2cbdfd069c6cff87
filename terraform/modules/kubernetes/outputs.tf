output "namespace" {
  description = "The namespace to apply the manifests to."
  value       = kubernetes_namespace_v1.updraft.metadata[0].name
}
