output "rights" {
  description = "Every right that is given, for people: program, operation and topic or group."
  value       = sort(concat(keys(local.rights), keys(kafka_acl.group)))
}
