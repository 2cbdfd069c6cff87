# For docker-compose.prod.yml: topics, access lists of the programs' certificates and subjects, applied from the same machine with
# the administrator's certificate of ops/docker/make-secrets.sh.
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
  bootstrap_servers = [var.kafka_bootstrap]
  tls_enabled       = true
  ca_cert           = file("${var.secrets}/ca.pem")
  client_cert       = file("${var.secrets}/admin.crt")
  client_key        = file("${var.secrets}/admin.key")
}

provider "restapi" {
  uri = var.schema_registry_url
}

locals {
  # The programs with certificates of make-secrets.sh.
  programs = ["bridge", "processor", "thermals", "receivers", "historian", "archive", "accounts", "pusher", "topics"]
}

module "topics" {
  source = "../../modules/kafka-topics"

  prefix             = var.topic_prefix
  partitions         = var.partitions
  replication_factor = 1
}

module "access" {
  source = "../../modules/kafka-access"

  prefix     = var.topic_prefix
  principals = { for program in local.programs : program => "User:updraft-${program}" }
}

module "registry" {
  source = "../../modules/schema-registry"

  prefix = var.topic_prefix
}

import {
  for_each = var.adopt ? toset(keys(jsondecode(file("${path.module}/../../catalogue.json")).topics)) : toset([])
  to       = module.topics.kafka_topic.topic[each.key]
  id       = "${var.topic_prefix}${each.key}"
}
