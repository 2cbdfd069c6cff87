variable "prefix" {
  description = "Put before every topic and group name, as UPDRAFT_TOPIC_PREFIX of the programs."
  type        = string
  default     = ""
}

variable "principals" {
  description = "The principal of each program at the cluster, for example { bridge = \"User:updraft-bridge\" }. Programs that are left out get no rights."
  type        = map(string)

  validation {
    condition     = alltrue([for principal in values(var.principals) : can(regex("^User:[^*]+$", principal))])
    error_message = "A principal is User: and a name, for example User:updraft-bridge, and never User:*."
  }

  validation {
    condition = length(setsubtract(keys(var.principals), [
      "bridge", "processor", "thermals", "receivers", "historian", "archive", "accounts", "pusher", "replay", "analytics", "operators", "topics", "autoscaler",
    ])) == 0
    error_message = "Programs are bridge, processor, thermals, receivers, historian, archive, accounts, pusher, replay, analytics, operators, topics and autoscaler (KEDA)."
  }
}

variable "host" {
  description = "From where the programs may come: an address, or * for any."
  type        = string
  default     = "*"
}
