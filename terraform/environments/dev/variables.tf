variable "kafka_bootstrap" {
  description = "Kafka's brokers, host:port, separated by commas; as UPDRAFT_KAFKA_BOOTSTRAP of the programs."
  type        = string
  default     = "localhost:29092"

  validation {
    condition     = alltrue([for broker in split(",", var.kafka_bootstrap) : can(regex("^[^:/]+:[0-9]+$", broker))])
    error_message = "host:port is expected, several separated by commas, for example localhost:29092."
  }
}

variable "schema_registry_url" {
  description = "The schema registry (Confluent's interface), without a slash at the end; as UPDRAFT_SCHEMA_REGISTRY_URL of the programs."
  type        = string
  default     = "http://localhost:8081/apis/ccompat/v7"

  validation {
    condition     = can(regex("^https?://.*[^/]$", var.schema_registry_url))
    error_message = "A URL without a slash at the end is expected, for example http://localhost:8081/apis/ccompat/v7."
  }
}

variable "topic_prefix" {
  description = "Put before every topic name."
  type        = string
  default     = "dev."
}

variable "partitions" {
  description = "Partitions of the topics that scale."
  type        = number
  default     = 6
}

variable "compatibility" {
  description = "Which changes of a schema the registry accepts."
  type        = string
  default     = "BACKWARD_TRANSITIVE"
}

variable "adopt" {
  description = "Take over topics that are there already, for example those of `processor topics apply`, instead of creating them."
  type        = bool
  default     = false
}
