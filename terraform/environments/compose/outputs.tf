output "rights" {
  description = "The rights of each principal at Kafka."
  value       = module.access.rights
}

output "subjects" {
  description = "Every subject with the number of its schema."
  value       = module.registry.subjects
}
