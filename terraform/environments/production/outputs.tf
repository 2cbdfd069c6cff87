locals {
  settings = merge({ UPDRAFT_LOG_FORMAT = "json" }, var.settings, module.topics.settings, {
    UPDRAFT_KAFKA_BOOTSTRAP     = var.kafka_bootstrap
    UPDRAFT_SCHEMA_REGISTRY_URL = var.schema_registry_url
    UPDRAFT_MQTT_URL            = var.mqtt_url
  })
}

output "settings" {
  description = "Environment of all programs, without secrets. As a file: terraform output -json settings | jq -r 'to_entries[] | \"\\(.key)=\\(.value)\"'"
  value       = local.settings
}

output "rights" {
  description = "The rights of each principal at Kafka."
  value       = module.access.rights
}

output "principals" {
  description = "The principal of each program at Kafka: issue its certificate or password for this name."
  value       = local.principals
}

output "redis_urls" {
  description = "UPDRAFT_REDIS_URL of the processor, which is also that of the thermals, and of the pusher, with PASSWORD where their passwords belong."
  value       = module.redis.urls
}

output "redis" {
  description = "The files that Redis is started with."
  value       = { acl_file = module.redis.acl_file, configuration = module.redis.configuration }
  sensitive   = true
}
