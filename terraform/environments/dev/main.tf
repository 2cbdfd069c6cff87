# An environment for development: one broker, no passwords, state in this folder.
#
#   terraform init && terraform apply

terraform {
  required_version = ">= 1.7"
  required_providers {
    kafka = {
      source  = "Mongey/kafka"
      version = "~> 0.13"
    }
    restapi = {
      source  = "Mastercard/restapi"
      version = "~> 3.0"
    }
  }
}

provider "kafka" {
  bootstrap_servers = split(",", var.kafka_bootstrap)
  tls_enabled       = false
}

provider "restapi" {
  uri = var.schema_registry_url
}

module "topics" {
  source = "../../modules/kafka-topics"

  prefix             = var.topic_prefix
  partitions         = var.partitions
  replication_factor = 1
}

module "registry" {
  source = "../../modules/schema-registry"

  prefix        = var.topic_prefix
  compatibility = var.compatibility
}

import {
  for_each = var.adopt ? toset(keys(jsondecode(file("${path.module}/../../catalogue.json")).topics)) : toset([])
  to       = module.topics.kafka_topic.topic[each.key]
  id       = "${var.topic_prefix}${each.key}"
}
