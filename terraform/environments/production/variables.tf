variable "kafka_bootstrap" {
  description = "Kafka's brokers, host:port, separated by commas."
  type        = string

  validation {
    condition     = alltrue([for broker in split(",", var.kafka_bootstrap) : can(regex("^[^:/]+:[0-9]+$", broker))])
    error_message = "host:port is expected, several separated by commas, for example kafka-1:9093,kafka-2:9093."
  }

  validation {
    condition     = length(split(",", var.kafka_bootstrap)) >= 2
    error_message = "Name two brokers or more: with one, its loss would stop every program that starts."
  }
}

variable "schema_registry_url" {
  description = "The schema registry (Confluent's interface), without a slash at the end."
  type        = string

  validation {
    condition     = can(regex("^https://.*[^/]$", var.schema_registry_url))
    error_message = "A URL with https and without a slash at the end is expected."
  }
}

variable "schema_registry_user" {
  description = "User at the registry, where it asks for one."
  type        = string
  default     = null
}

variable "schema_registry_password" {
  description = "Password at the registry. From the environment: TF_VAR_schema_registry_password."
  type        = string
  default     = null
  sensitive   = true
  ephemeral   = true
}

variable "mqtt_url" {
  description = "The MQTT broker of the receivers."
  type        = string

  validation {
    condition     = can(regex("^mqtts://[^@/]+$", var.mqtt_url))
    error_message = "mqtts://host:port without user and password is expected."
  }
}

variable "clickhouse_host" {
  description = "The host of ClickHouse's HTTPS interface."
  type        = string
}

variable "clickhouse_admin_password" {
  description = "Password of the user default, who creates the others. From the environment: TF_VAR_clickhouse_admin_password."
  type        = string
  sensitive   = true
  ephemeral   = true
}

variable "clickhouse_passwords" {
  description = "Passwords of owner, historian, reader and backup."
  type        = object({ owner = string, historian = string, reader = string, backup = string })
  sensitive   = true
  ephemeral   = true
}

variable "redis_url" {
  description = "Redis without user and password."
  type        = string
}

variable "redis_password_hashes" {
  description = "SHA-256 of the passwords of processor, pusher and monitor, in hex."
  type        = object({ processor = string, pusher = string, monitor = string })
}

variable "redis_max_memory_mb" {
  description = "Memory of Redis for data, in MiB."
  type        = number
  default     = 512
}

variable "kubernetes_context" {
  description = "The cluster, as kubectl's contexts name it. There is no default: an apply to the wrong cluster starts with one."
  type        = string
}

variable "secrets" {
  description = "Secret settings by program, for example { bridge = { UPDRAFT_MQTT_PASSWORD = \"...\" } }."
  type        = map(map(string))
  sensitive   = true
  ephemeral   = true
  default     = {}
}

variable "namespace" {
  description = "Where the programs run in Kubernetes: the namespace of the overlay, updraft or updraft-staging."
  type        = string
  default     = "updraft"
}

variable "programs_with_secrets" {
  description = "The keys of secrets, which Terraform may show. autoscaler: KEDA's certificate, where it scales; redis-exporter: the user that reads Redis' metrics."
  type        = set(string)
  default     = ["bridge", "processor", "thermals", "receivers", "migrate", "historian", "archive", "accounts", "backup", "pusher", "redis-exporter", "autoscaler"]
}

variable "secrets_version" {
  description = "Increase it when a password or secret changes."
  type        = number
  default     = 1
}

variable "settings" {
  description = "Further settings of all programs that are no secrets, for example { UPDRAFT_OTLP_ENDPOINT = \"http://collector.monitoring:4318\" }. The programs' --help lists them."
  type        = map(string)
  default     = {}

  validation {
    condition = length(setintersection(keys(var.settings), [
      "UPDRAFT_KAFKA_BOOTSTRAP", "UPDRAFT_MQTT_URL", "UPDRAFT_PROCESSOR_PARTITIONS", "UPDRAFT_SCHEMA_REGISTRY_URL", "UPDRAFT_TOPIC_PREFIX",
    ])) == 0
    error_message = "A setting is made of another variable: set kafka_bootstrap, mqtt_url, partitions, schema_registry_url or topic_prefix instead."
  }
}

variable "topic_prefix" {
  description = "Put before every topic name."
  type        = string
  default     = ""
}

variable "principal_prefix" {
  description = "Put before the name of every principal at Kafka: with staging- the bridge is User:staging-updraft-bridge. Installations that share a Kafka need different ones, or each has the rights of all."
  type        = string
  default     = ""
}

variable "partitions" {
  description = "Partitions of the topics that scale. Chosen once."
  type        = number
  default     = 24
}

variable "retention" {
  description = "Other retention times than the catalogue's, by topic."
  type        = map(string)
  default     = {}
}

variable "adopt" {
  description = "Take over topics that are there already instead of creating them."
  type        = bool
  default     = false
}
