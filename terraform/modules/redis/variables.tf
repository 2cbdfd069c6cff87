variable "url" {
  description = "Where Redis is, without user and password: redis://host:port, on a network of its own."
  type        = string

  validation {
    condition     = can(regex("^redis://[^@/]+$", var.url))
    error_message = "redis://host:port without user, password and database: the programs are built without TLS for Redis."
  }
}

variable "password_hashes" {
  description = "SHA-256 of each user's password, in hex: processor (also the thermals), pusher, monitor (the exporter of metrics). Made by: printf %s PASSWORD | sha256sum"
  type        = object({ processor = string, pusher = string, monitor = string })

  validation {
    condition     = alltrue([for hash in values(var.password_hashes) : can(regex("^[0-9a-f]{64}$", hash))])
    error_message = "A hash is 64 hex digits in lower case, not the password itself."
  }

  validation {
    condition     = length(distinct(values(var.password_hashes))) == length(values(var.password_hashes))
    error_message = "Each user has its own password."
  }
}

variable "max_memory_mb" {
  description = "Memory for data, in MiB. Beyond it Redis refuses writes and nothing is evicted: the programs go on without it and refill it."
  type        = number
  default     = 512

  validation {
    condition     = var.max_memory_mb >= 64
    error_message = "At least 64 MiB."
  }
}
