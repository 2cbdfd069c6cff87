mock_provider "restapi" {
  mock_resource "restapi_object" {
    defaults = { api_data = { version = "1", id = "7" } }
  }
}

run "every_topic_with_a_message_has_a_subject" {
  variables {
    prefix = "dev."
  }
  command = plan
  assert {
    condition     = contains(keys(restapi_object.value), "dev.fanet.raw.v1-value") && !contains(keys(restapi_object.value), "dev.fanet.dead-letter.v1-value")
    error_message = "dead letters are bytes as they came"
  }
  assert {
    condition     = restapi_object.leaf["updraft/v1/common.proto"].create_path == "/subjects/updraft%2Fv1%2Fcommon.proto/versions"
    error_message = "a slash in a subject is escaped"
  }
  assert {
    condition     = length(restapi_object.compatibility) == length(restapi_object.value) + length(restapi_object.leaf) + length(restapi_object.inner)
    error_message = "each subject has its compatibility"
  }
}

run "unknown_levels_are_refused" {
  command = plan
  variables {
    compatibility = "SOME"
  }
  expect_failures = [var.compatibility]
}

run "subjects_keep_the_level" {
  command = plan
  variables {
    compatibility = "BACKWARD"
  }
  assert {
    condition     = alltrue([for config in restapi_object.compatibility : jsondecode(config.data).compatibility == "BACKWARD"])
    error_message = "every subject has the chosen level"
  }
}
