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
mock_provider "clickhousedbops" {}
mock_provider "kubernetes" {}

variables {
  kafka_bootstrap           = "kafka-1.example.org:9093,kafka-2.example.org:9093"
  schema_registry_url       = "https://registry.example.org/apis/ccompat/v7"
  mqtt_url                  = "mqtts://mqtt.example.org:8883"
  clickhouse_host           = "clickhouse.example.org"
  clickhouse_admin_password = "0123456789abcdef-admin"
  clickhouse_passwords      = { owner = "0123456789abcdef-owner", historian = "0123456789abcdef-historian", reader = "0123456789abcdef-reader", backup = "0123456789abcdef-backup" }
  redis_url                 = "redis://redis.internal.example.org:6379"
  redis_password_hashes     = { processor = sha256("a"), pusher = sha256("b"), monitor = sha256("c") }
  kubernetes_context        = "production"
}

run "settings_are_those_of_the_programs" {
  command = plan
  assert {
    condition = output.settings == {
      UPDRAFT_KAFKA_BOOTSTRAP      = "kafka-1.example.org:9093,kafka-2.example.org:9093"
      UPDRAFT_LOG_FORMAT           = "json"
      UPDRAFT_MQTT_URL             = "mqtts://mqtt.example.org:8883"
      UPDRAFT_PROCESSOR_PARTITIONS = "24"
      UPDRAFT_SCHEMA_REGISTRY_URL  = "https://registry.example.org/apis/ccompat/v7"
      UPDRAFT_TOPIC_PREFIX         = ""
    }
    error_message = "names and values, as in the environment of a program"
  }
  assert {
    condition     = alltrue([for topic in module.topics.topics : contains([1, 6, 24], topic.partitions)]) && module.topics.topics["fanet.raw.v1"].partitions == 24
    error_message = "24 partitions, and those of topics that do not scale"
  }
}

run "staging_is_beside_production" {
  command = plan
  variables {
    namespace        = "updraft-staging"
    topic_prefix     = "staging."
    principal_prefix = "staging-"
    partitions       = 6
  }
  assert {
    condition     = module.kubernetes.namespace == "updraft-staging" && output.settings.UPDRAFT_TOPIC_PREFIX == "staging."
    error_message = "a namespace and topics of its own"
  }
  assert {
    condition     = alltrue([for program, principal in output.principals : principal == "User:staging-updraft-${program}"])
    error_message = "principals of its own: production's have no right in staging, and staging's none in production"
  }
}

run "without_a_prefix_principals_are_named_after_the_programs" {
  command = plan
  assert {
    condition     = output.principals.bridge == "User:updraft-bridge" && output.principals.autoscaler == "User:updraft-autoscaler" && length(output.principals) == 13
    error_message = "as the certificates of production"
  }
}

run "every_secret_that_the_manifests_mount_is_made" {
  command = plan
  assert {
    condition     = toset(module.kubernetes.secrets) == toset([for name in ["bridge", "processor", "thermals", "receivers", "migrate", "historian", "archive", "accounts", "backup", "pusher", "autoscaler", "redis", "redis-exporter"] : "updraft-${name}"])
    error_message = "those of ops/kubernetes"
  }
}

run "keda_may_see_the_lag" {
  command = plan
  variables {
    topic_prefix = "staging."
  }
  assert {
    condition = toset([for right in output.rights : right if startswith(right, "autoscaler ")]) == toset([
      "autoscaler Describe fanet.observation.v1", "autoscaler Describe fanet.raw.v1", "autoscaler Describe staging.historian", "autoscaler Describe staging.processor",
    ])
    error_message = "both groups and topics of components/autoscaling, and no record"
  }
}

run "further_settings_are_added" {
  command = plan
  variables {
    settings = { UPDRAFT_OTLP_ENDPOINT = "http://collector.monitoring:4318", UPDRAFT_LOG_FORMAT = "text" }
  }
  assert {
    condition     = output.settings.UPDRAFT_OTLP_ENDPOINT == "http://collector.monitoring:4318" && output.settings.UPDRAFT_LOG_FORMAT == "text" && length(output.settings) == 7
    error_message = "beside those that are computed"
  }
}

run "settings_of_other_variables_are_refused" {
  command = plan
  variables {
    settings = { UPDRAFT_TOPIC_PREFIX = "staging." }
  }
  expect_failures = [var.settings]
}

run "one_broker_is_refused" {
  command = plan
  variables {
    kafka_bootstrap = "kafka-1.example.org:9093"
  }
  expect_failures = [var.kafka_bootstrap]
}

run "a_registry_without_tls_is_refused" {
  command = plan
  variables {
    schema_registry_url = "http://registry.example.org/apis/ccompat/v7"
  }
  expect_failures = [var.schema_registry_url]
}

run "mqtt_without_tls_is_refused" {
  command = plan
  variables {
    mqtt_url = "mqtt://mqtt.example.org:1883"
  }
  expect_failures = [var.mqtt_url]
}

run "passwords_in_urls_are_refused" {
  command = plan
  variables {
    mqtt_url = "mqtts://user:secret@mqtt.example.org:8883"
  }
  expect_failures = [var.mqtt_url]
}
