mock_provider "kubernetes" {}

variables {
  settings = { UPDRAFT_LOG_FORMAT = "json" }
  secrets  = { bridge = { UPDRAFT_MQTT_PASSWORD = "secret" } }
}

run "the_namespace_is_restricted" {
  command = plan
  assert {
    condition     = kubernetes_namespace_v1.updraft.metadata[0].labels["pod-security.kubernetes.io/enforce"] == "restricted"
    error_message = "no pod with more rights than it needs"
  }
  assert {
    condition     = kubernetes_secret_v1.program["bridge"].metadata[0].name == "updraft-bridge"
    error_message = "the name that the manifests expect"
  }
}

run "passwords_are_no_settings" {
  command = plan
  variables {
    settings = { UPDRAFT_REDIS_URL = "redis://user:secret@redis:6379" }
  }
  expect_failures = [var.settings]
}

run "the_default_namespace_is_refused" {
  command = plan
  variables {
    namespace = "default"
  }
  expect_failures = [var.namespace]
}

run "settings_are_one_config_map" {
  command = plan
  assert {
    condition     = kubernetes_config_map_v1.settings.metadata[0].name == "updraft-settings" && kubernetes_config_map_v1.settings.data == tomap({ UPDRAFT_LOG_FORMAT = "json" })
    error_message = "the name that the manifests expect, and the settings as they are"
  }
  assert {
    condition     = output.namespace == "updraft"
    error_message = "the namespace that the overlays name"
  }
}

run "secrets_are_no_settings" {
  command = plan
  variables {
    settings = { UPDRAFT_MQTT_PASSWORD = "x" }
  }
  expect_failures = [var.settings]
}

run "other_names_are_no_settings" {
  command = plan
  variables {
    settings = { LOG_FORMAT = "json" }
  }
  expect_failures = [var.settings]
}
