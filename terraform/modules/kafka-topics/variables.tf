variable "prefix" {
  description = "Put before every topic name, as UPDRAFT_TOPIC_PREFIX of the programs: several environments can share a cluster."
  type        = string
  default     = ""

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]+\\.)*$", var.prefix)) && length(var.prefix) <= 100
    error_message = "The prefix is empty, or letters, digits, - and _ with a dot at the end, for example \"dev.\"."
  }
}

variable "partitions" {
  description = "Partitions of the topics that scale: at most so many processors share the work. Chosen once, before the first record."
  type        = number

  validation {
    condition     = var.partitions >= 1 && var.partitions <= 1000 && floor(var.partitions) == var.partitions
    error_message = "Between 1 and 1000 partitions: 6 suit one machine, 24 a country."
  }
}

variable "replication_factor" {
  description = "Copies of each partition: 3 survive the loss of a broker without a pause, 1 loses what that broker had."
  type        = number

  validation {
    condition     = contains([1, 2, 3, 4, 5], var.replication_factor)
    error_message = "Between 1 and 5 copies, and not more than there are brokers."
  }
}

variable "min_in_sync_replicas" {
  description = "Copies that have a record before it is acknowledged. The cluster's default where it is not set; with 3 copies set 2, so that one broker may be away."
  type        = number
  default     = null

  validation {
    condition     = var.min_in_sync_replicas == null ? true : var.min_in_sync_replicas >= 1
    error_message = "At least one copy."
  }
}

variable "retention" {
  description = "Other retention times than the catalogue's, by topic without prefix, for example { \"fanet.raw.v1\" = \"336h\" }."
  type        = map(string)
  default     = {}

  validation {
    condition     = alltrue([for hours in values(var.retention) : can(regex("^[1-9][0-9]*h$", hours))])
    error_message = "A retention is a number of hours, for example 336h."
  }
}
