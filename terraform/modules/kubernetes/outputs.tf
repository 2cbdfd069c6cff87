output "namespace" {
  description = "The namespace to apply the manifests to."
  value       = kubernetes_namespace_v1.updraft.metadata[0].name
}

output "secrets" {
  description = "The names of the secrets, which the manifests mount."
  value       = [for secret in kubernetes_secret_v1.program : secret.metadata[0].name]
}
