# Without a cluster: the provider is a mock, what is there is made up.

mock_provider "kafka" {
  mock_data "kafka_topics" {
    defaults = { list = [] }
  }
}

variables {
  partitions         = 6
  replication_factor = 3
}

run "topics_of_the_catalogue_are_planned" {
  command = plan

  assert {
    condition     = length(kafka_topic.topic) == length(jsondecode(file("../../catalogue.json")).topics)
    error_message = "one topic for each of the catalogue"
  }
  assert {
    condition     = kafka_topic.topic["fanet.raw.v1"].partitions == 6 && kafka_topic.topic["fanet.state.aircraft.v1"].partitions == 6
    error_message = "topics that scale have the installation's count"
  }
  assert {
    condition     = kafka_topic.topic["fanet.state.thermal.v1"].partitions == 1 && kafka_topic.topic["fanet.account.v1"].partitions == 6
    error_message = "the others have the catalogue's"
  }
  assert {
    condition     = kafka_topic.topic["fanet.raw.v1"].config["retention.ms"] == "604800000" && kafka_topic.topic["fanet.state.aircraft.v1"].config["cleanup.policy"] == "compact"
    error_message = "settings are the catalogue's"
  }
}

run "names_carry_the_prefix" {
  command = plan
  variables {
    prefix = "dev."
  }
  assert {
    condition     = alltrue([for topic in kafka_topic.topic : startswith(topic.name, "dev.fanet.")])
    error_message = "every name begins with the prefix"
  }
}

run "retention_can_be_chosen" {
  command = plan
  variables {
    retention = { "fanet.raw.v1" = "336h" }
  }
  assert {
    condition     = kafka_topic.topic["fanet.raw.v1"].config["retention.ms"] == "1209600000"
    error_message = "336 hours are 1209600000 ms"
  }
}

run "retention_of_compacted_topics_is_refused" {
  command = plan
  variables {
    retention = { "fanet.state.aircraft.v1" = "24h" }
  }
  expect_failures = [kafka_topic.topic]
}

run "other_partition_count_is_refused" {
  command = plan
  override_data {
    target = data.kafka_topics.cluster
    values = {
      list = [{ topic_name = "fanet.raw.v1", partitions = 24, replication_factor = 3, config = {} }]
    }
  }
  expect_failures = [kafka_topic.topic["fanet.raw.v1"]]
}

run "same_partition_count_is_accepted" {
  command = plan
  override_data {
    target = data.kafka_topics.cluster
    values = {
      list = [{ topic_name = "fanet.raw.v1", partitions = 6, replication_factor = 3, config = {} }]
    }
  }
  assert {
    condition     = kafka_topic.topic["fanet.raw.v1"].partitions == 6
    error_message = "as it is"
  }
}

run "other_replication_is_refused" {
  command = plan
  override_data {
    target = data.kafka_topics.cluster
    values = {
      list = [{ topic_name = "fanet.raw.v1", partitions = 6, replication_factor = 1, config = {} }]
    }
  }
  expect_failures = [kafka_topic.topic["fanet.raw.v1"]]
}

run "more_in_sync_than_copies_is_refused" {
  command = plan
  variables {
    replication_factor   = 1
    min_in_sync_replicas = 2
  }
  expect_failures = [kafka_topic.topic]
}

run "settings_are_those_of_the_programs" {
  command = plan
  variables {
    prefix = "dev."
  }
  assert {
    condition     = output.settings == { UPDRAFT_TOPIC_PREFIX = "dev.", UPDRAFT_PROCESSOR_PARTITIONS = "6" }
    error_message = "names and text values, as in the environment of a program"
  }
  assert {
    condition     = output.topics["fanet.raw.v1"] == { name = "dev.fanet.raw.v1", partitions = 6 }
    error_message = "topics by their name without prefix"
  }
}

run "in_sync_replicas_are_a_setting_of_each_topic" {
  command = plan
  variables {
    min_in_sync_replicas = 2
  }
  assert {
    condition     = alltrue([for topic in kafka_topic.topic : topic.config["min.insync.replicas"] == "2"])
    error_message = "every topic, since the cluster's default may differ"
  }
}

run "prefix_needs_a_dot" {
  command = plan
  variables {
    prefix = "dev"
  }
  expect_failures = [var.prefix]
}

run "zero_partitions_are_refused" {
  command = plan
  variables {
    partitions = 0
  }
  expect_failures = [var.partitions]
}

run "a_fraction_of_partitions_is_refused" {
  command = plan
  variables {
    partitions = 6.5
  }
  expect_failures = [var.partitions]
}

run "zero_copies_are_refused" {
  command = plan
  variables {
    replication_factor = 0
  }
  expect_failures = [var.replication_factor]
}

run "zero_in_sync_replicas_are_refused" {
  command = plan
  variables {
    min_in_sync_replicas = 0
  }
  expect_failures = [var.min_in_sync_replicas]
}

run "retention_in_days_is_refused" {
  command = plan
  variables {
    retention = { "fanet.raw.v1" = "14d" }
  }
  expect_failures = [var.retention]
}

run "retention_of_unknown_topics_is_refused" {
  command = plan
  variables {
    retention = { "fanet.row.v1" = "336h" }
  }
  expect_failures = [kafka_topic.topic]
}
