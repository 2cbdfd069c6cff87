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

run "settings_are_those_of_the_programs" {
  command = plan
  assert {
    condition = output.settings == {
      UPDRAFT_KAFKA_BOOTSTRAP      = "localhost:29092"
      UPDRAFT_PROCESSOR_PARTITIONS = "6"
      UPDRAFT_SCHEMA_REGISTRY_URL  = "http://localhost:8081/apis/ccompat/v7"
      UPDRAFT_TOPIC_PREFIX         = "dev."
    }
    error_message = "names and values, as in the environment of a program"
  }
}

run "brokers_need_a_port" {
  command = plan
  variables {
    kafka_bootstrap = "localhost"
  }
  expect_failures = [var.kafka_bootstrap]
}

run "a_slash_at_the_end_is_refused" {
  command = plan
  variables {
    schema_registry_url = "http://localhost:8081/"
  }
  expect_failures = [var.schema_registry_url]
}
