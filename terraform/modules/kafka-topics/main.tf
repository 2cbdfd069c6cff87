# The topics of schemas/topics.toml. Other modules take the names from here.

locals {
  catalogue = jsondecode(file("${path.module}/../../catalogue.json"))

  topics = {
    for name, topic in local.catalogue.topics : name => merge(topic, {
      full_name  = "${var.prefix}${name}"
      partitions = topic.scales ? var.partitions : topic.partitions
    })
  }

  retention_ms = { for name, hours in var.retention : name => tostring(tonumber(trimsuffix(hours, "h")) * 3600000) }
  found        = { for topic in data.kafka_topics.cluster.list : topic.topic_name => topic }
}

# The state of the cluster before any change.
data "kafka_topics" "cluster" {}

resource "kafka_topic" "topic" {
  for_each = local.topics

  name               = each.value.full_name
  partitions         = each.value.partitions
  replication_factor = var.replication_factor
  config = merge(
    each.value.settings,
    var.min_in_sync_replicas == null ? {} : { "min.insync.replicas" = tostring(var.min_in_sync_replicas) },
    contains(keys(local.retention_ms), each.key) ? { "retention.ms" = local.retention_ms[each.key] } : {},
  )

  lifecycle {
    prevent_destroy = true

    precondition {
      condition     = try(local.found[each.value.full_name].partitions, each.value.partitions) == each.value.partitions
      error_message = <<-REASON
        ${each.value.full_name} has ${try(local.found[each.value.full_name].partitions, 0)} partitions, and ${each.value.partitions} are wanted. Another count puts the records of a device into another partition than its earlier ones: order, consent and state would be lost. Set the count that is there, or make a new installation under another prefix and move the traffic (ops/runbooks/change-the-partition-count.md).
      REASON
    }

    precondition {
      condition     = try(local.found[each.value.full_name].replication_factor, var.replication_factor) == var.replication_factor
      error_message = <<-REASON
        ${each.value.full_name} has ${try(local.found[each.value.full_name].replication_factor, 0)} copies, and ${var.replication_factor} are wanted. Moving copies loads every broker for hours and depends on the cluster: use kafka-reassign-partitions with a throttle first, then set the count that is there.
      REASON
    }

    precondition {
      condition     = coalesce(var.min_in_sync_replicas, 1) <= var.replication_factor
      error_message = "${coalesce(var.min_in_sync_replicas, 1)} copies are to have a record before it is acknowledged, but there are ${var.replication_factor}: nothing could be written."
    }

    precondition {
      condition     = alltrue([for name in keys(var.retention) : can(local.topics[name].settings["retention.ms"])])
      error_message = "retention names a topic that is not in the catalogue, or one that keeps the newest record of each key for ever."
    }
  }
}
