output "settings" {
  description = "Environment of the programs. As a file: terraform output -json settings | jq -r 'to_entries[] | \"\\(.key)=\\(.value)\"'"
  value = merge(module.topics.settings, {
    UPDRAFT_KAFKA_BOOTSTRAP     = var.kafka_bootstrap
    UPDRAFT_SCHEMA_REGISTRY_URL = var.schema_registry_url
  })
}

output "subjects" {
  description = "Every subject with the number of its schema."
  value       = module.registry.subjects
}
