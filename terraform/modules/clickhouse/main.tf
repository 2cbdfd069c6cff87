# The database and its users. Tables are made by `processor migrate`, as the owner.

locals {
  # owner: migrations. historian: rows, erasure of devices, statistics that are refreshed at once. reader: reads.
  # backup: the nightly copy. The same file that docker-compose.prod.yml has.
  privileges = jsondecode(file("${path.module}/../../../ops/clickhouse/privileges.json"))

  grants = merge([for user, privileges in local.privileges : {
    for privilege in privileges : "${user} ${privilege}" => { user = user, privilege = privilege }
  }]...)
}

resource "clickhousedbops_database" "history" {
  name         = var.database
  cluster_name = var.cluster
  comment      = "Updraft: what was observed"

  lifecycle {
    prevent_destroy = true
  }
}

resource "clickhousedbops_user" "user" {
  for_each = local.privileges

  name         = "updraft_${each.key}"
  cluster_name = var.cluster

  auth {
    sha256_password {
      value_wo         = var.passwords[each.key]
      value_wo_version = var.passwords_version
    }
  }
}

resource "clickhousedbops_grant_privilege" "grant" {
  for_each = local.grants

  privilege_name    = each.value.privilege
  database_name     = clickhousedbops_database.history.name
  grantee_user_name = clickhousedbops_user.user[each.value.user].name
  grant_option      = false
  cluster_name      = var.cluster
}
