output "acl_file" {
  description = "users.acl: Redis is started with --aclfile and this file. The default user is off."
  value       = templatefile(local.users, var.password_hashes)
}

output "configuration" {
  description = "redis.conf: survives a restart with its data, and never drops a live state to make room."
  value       = <<-CONF
    appendonly yes
    appendfsync everysec
    maxmemory ${var.max_memory_mb}mb
    maxmemory-policy noeviction
    aclfile /etc/redis/users.acl
  CONF
}

output "urls" {
  description = "UPDRAFT_REDIS_URL of each program, with PASSWORD where its password belongs."
  value       = { for user in ["processor", "pusher"] : user => replace(var.url, "://", "://${user}:PASSWORD@") }
}
