output "database" {
  description = "The database; the programs name it in UPDRAFT_CLICKHOUSE_URL."
  value       = clickhousedbops_database.history.name
}

output "users" {
  description = "The users: `processor migrate` connects as the owner, the historian as its own, the pusher as the reader."
  value       = { for name, user in clickhousedbops_user.user : name => user.name }
}
