# Without a cluster: the providers are mocks.

mock_provider "kafka" {
  mock_data "kafka_topics" {
    defaults = { list = [] }
  }
}

mock_provider "restapi" {
  mock_resource "restapi_object" {
    defaults = { api_data = { version = "1", id = "7" } }
  }
}

variables {
  adopt = false
}

run "programs_with_certificates_have_rights" {
  command = plan
  assert {
    condition     = toset([for right in output.rights : split(" ", right)[0]]) == toset(local.programs)
    error_message = "every program of make-secrets.sh, and no other"
  }
}
