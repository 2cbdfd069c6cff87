# Production, and staging beside it with other values: Kafka with TLS and passwords, rights per program, ClickHouse with users, Redis with users, and what the
# Kubernetes manifests expect. State is remote:
#
#   terraform init -backend-config=backend.hcl      (see backend.hcl.example)
#   terraform plan -var-file=production.tfvars      (see production.tfvars.example, staging.tfvars.example)

terraform {
  required_version = ">= 1.11"

  backend "s3" {}

  required_providers {
    kafka = {
      source  = "Mongey/kafka"
      version = "~> 0.13"
    }
    restapi = {
      source  = "Mastercard/restapi"
      version = "~> 3.0"
    }
    clickhousedbops = {
      source  = "ClickHouse/clickhousedbops"
      version = "~> 1.11"
    }
    kubernetes = {
      source  = "hashicorp/kubernetes"
      version = ">= 2.36, < 4.0"
    }
  }
}

# The passwords of the providers come from the environment: KAFKA_SASL_USERNAME, KAFKA_SASL_PASSWORD, and the kubeconfig.
provider "kafka" {
  bootstrap_servers = split(",", var.kafka_bootstrap)
  tls_enabled       = true
  sasl_mechanism    = "scram-sha512"
}

provider "restapi" {
  uri      = var.schema_registry_url
  username = var.schema_registry_user
  password = var.schema_registry_password
}

provider "clickhousedbops" {
  protocol = "https"
  host     = var.clickhouse_host
  port     = 8443
  auth_config = {
    strategy = "basicauth"
    username = "default"
    password = var.clickhouse_admin_password
  }
}

provider "kubernetes" {
  config_path    = pathexpand("~/.kube/config")
  config_context = var.kubernetes_context
}

locals {
  # autoscaler: KEDA.
  programs   = ["bridge", "processor", "thermals", "receivers", "historian", "archive", "accounts", "pusher", "replay", "analytics", "operators", "topics", "autoscaler"]
  principals = { for program in local.programs : program => "User:${var.principal_prefix}updraft-${program}" }
}

module "topics" {
  source = "../../modules/kafka-topics"

  prefix               = var.topic_prefix
  partitions           = var.partitions
  replication_factor   = 3
  min_in_sync_replicas = 2
  retention            = var.retention
}

module "access" {
  source = "../../modules/kafka-access"

  prefix     = var.topic_prefix
  principals = local.principals
}

module "registry" {
  source = "../../modules/schema-registry"

  prefix = var.topic_prefix
}

module "clickhouse" {
  source = "../../modules/clickhouse"

  passwords         = var.clickhouse_passwords
  passwords_version = var.secrets_version
}

module "redis" {
  source = "../../modules/redis"

  url             = var.redis_url
  password_hashes = var.redis_password_hashes
  max_memory_mb   = var.redis_max_memory_mb
}

module "kubernetes" {
  source = "../../modules/kubernetes"

  namespace       = var.namespace
  settings        = local.settings
  programs        = setunion(var.programs_with_secrets, ["redis"])
  secrets         = merge(var.secrets, { redis = { "users.acl" = module.redis.acl_file } })
  secrets_version = var.secrets_version
}

import {
  for_each = var.adopt ? toset(keys(jsondecode(file("${path.module}/../../catalogue.json")).topics)) : toset([])
  to       = module.topics.kafka_topic.topic[each.key]
  id       = "${var.topic_prefix}${each.key}"
}
