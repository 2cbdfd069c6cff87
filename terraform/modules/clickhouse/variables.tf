variable "database" {
  description = "The database of the history."
  type        = string
  default     = "updraft"

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9_-]*$", var.database)) && var.database != "default"
    error_message = "Letters, digits, _ and -, and another name than default, where views that refresh cannot always be."
  }
}

variable "cluster" {
  description = "Name of the ClickHouse cluster, where there is more than one replica and users are not replicated by the server."
  type        = string
  default     = null
}

variable "passwords" {
  description = "Password of each user: owner (applies migrations), historian (writes), reader (the pusher), backup (the nightly copy)."
  type        = object({ owner = string, historian = string, reader = string, backup = string })
  sensitive   = true
  ephemeral   = true

  validation {
    condition     = alltrue([for password in values(var.passwords) : length(password) >= 16])
    error_message = "A password has at least 16 characters."
  }
}

variable "passwords_version" {
  description = "Increase it when a password changes: Terraform does not keep passwords and cannot see that they did."
  type        = number
  default     = 1
}
