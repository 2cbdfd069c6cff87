variable "namespace" {
  description = "The namespace of the programs."
  type        = string
  default     = "updraft"

  validation {
    condition     = can(regex("^[a-z]([a-z0-9-]*[a-z0-9])?$", var.namespace)) && !contains(["default", "kube-system", "kube-public"], var.namespace)
    error_message = "A name of its own in lower case, for example updraft."
  }
}

variable "settings" {
  description = "Settings of all programs that are no secrets, as UPDRAFT_NAME = value."
  type        = map(string)

  validation {
    condition     = alltrue([for name in keys(var.settings) : can(regex("^UPDRAFT_[A-Z0-9_]+$", name))])
    error_message = "A setting is named UPDRAFT_..., as the programs' --help says."
  }

  validation {
    condition     = alltrue([for name, value in var.settings : !can(regex("(PASSWORD|SECRET|TOKEN)", name)) && !can(regex("://[^/@]*:[^/@]*@", value))])
    error_message = "A setting holds a password: put it into secrets."
  }
}

variable "secrets" {
  description = "Settings that are secrets, by program: { bridge = { UPDRAFT_MQTT_PASSWORD = ... } }. They never stand in the state."
  type        = map(map(string))
  sensitive   = true
  ephemeral   = true
}

variable "secrets_version" {
  description = "Increase it when a secret changes: Terraform does not keep secrets and cannot see that they did."
  type        = number
  default     = 1
}

variable "programs" {
  description = "Who has secrets, the keys of secrets, which Terraform may show. redis: its users.acl; redis-exporter: the user that reads its metrics; autoscaler: KEDA's certificate."
  type        = set(string)
  default     = ["bridge", "processor", "thermals", "receivers", "migrate", "historian", "archive", "accounts", "backup", "pusher", "redis", "redis-exporter", "autoscaler"]
}
