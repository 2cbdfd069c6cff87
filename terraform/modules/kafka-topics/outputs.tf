output "topics" {
  description = "Every topic by its name without prefix: full name and partitions."
  value       = { for name, topic in kafka_topic.topic : name => { name = topic.name, partitions = topic.partitions } }
}

output "settings" {
  description = "Environment of the programs, as they take it."
  value = {
    UPDRAFT_TOPIC_PREFIX         = var.prefix
    UPDRAFT_PROCESSOR_PARTITIONS = tostring(var.partitions)
  }
}
