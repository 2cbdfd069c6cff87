variable "secrets" {
  description = "The folder that ops/docker/make-secrets.sh made."
  type        = string
  default     = "../../../secrets"
}

variable "kafka_bootstrap" {
  description = "Kafka as docker-compose.prod.yml publishes it on the loopback; a name that its certificate has."
  type        = string
  default     = "localhost:29092"
}

variable "schema_registry_url" {
  description = "The schema registry (Confluent's interface), without a slash at the end."
  type        = string
  default     = "http://localhost:8081/apis/ccompat/v7"
}

variable "topic_prefix" {
  description = "Put before every topic name, as UPDRAFT_TOPIC_PREFIX of the programs."
  type        = string
  default     = ""
}

variable "partitions" {
  description = "Partitions of the topics that scale. Compose's topics job makes 6."
  type        = number
  default     = 6
}

variable "adopt" {
  description = "Take over the topics that Compose's topics job has made."
  type        = bool
  default     = true
}
