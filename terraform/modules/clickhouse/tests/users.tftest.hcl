mock_provider "clickhousedbops" {}

variables {
  passwords = { owner = "0123456789abcdef-owner", historian = "0123456789abcdef-historian", reader = "0123456789abcdef-reader", backup = "0123456789abcdef-backup" }
}

run "the_reader_reads" {
  command = plan
  assert {
    condition     = [for grant in clickhousedbops_grant_privilege.grant : grant.privilege_name if grant.grantee_user_name == "updraft_reader"] == ["SELECT"]
    error_message = "the pusher's user has no right but SELECT"
  }
  assert {
    condition     = alltrue([for grant in clickhousedbops_grant_privilege.grant : grant.database_name == "updraft" && !grant.grant_option])
    error_message = "rights end at the database, and cannot be passed on"
  }
}

run "short_passwords_are_refused" {
  command = plan
  variables {
    passwords = { owner = "short", historian = "0123456789abcdef-historian", reader = "0123456789abcdef-reader", backup = "0123456789abcdef-backup" }
  }
  expect_failures = [var.passwords]
}

run "the_default_database_is_refused" {
  command = plan
  variables {
    database = "default"
  }
  expect_failures = [var.database]
}

run "users_have_the_rights_of_the_shared_file" {
  command = plan
  assert {
    condition     = { for user in ["owner", "historian", "reader", "backup"] : user => toset([for grant in clickhousedbops_grant_privilege.grant : grant.privilege_name if grant.grantee_user_name == "updraft_${user}"]) } == { for user, privileges in jsondecode(file("../../../ops/clickhouse/privileges.json")) : user => toset(privileges) }
    error_message = "as docker-compose.prod.yml has them"
  }
  assert {
    condition     = output.users == { owner = "updraft_owner", historian = "updraft_historian", reader = "updraft_reader", backup = "updraft_backup" } && output.database == "updraft"
    error_message = "users and database, as UPDRAFT_CLICKHOUSE_URL names them"
  }
}
