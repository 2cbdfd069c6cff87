variable "prefix" {
  description = "Put before every topic name, as UPDRAFT_TOPIC_PREFIX of the programs: it is part of the subjects of values."
  type        = string
  default     = ""
}

variable "compatibility" {
  description = "Which changes of a schema the registry accepts. BACKWARD_TRANSITIVE: the newest program reads every record that was ever written. FULL is not meant here: some registries refuse a new field then, which Protobuf's old readers skip."
  type        = string
  default     = "BACKWARD_TRANSITIVE"

  validation {
    condition     = contains(["NONE", "BACKWARD", "BACKWARD_TRANSITIVE", "FORWARD", "FORWARD_TRANSITIVE", "FULL", "FULL_TRANSITIVE"], var.compatibility)
    error_message = "One of the registry's levels: NONE, BACKWARD, BACKWARD_TRANSITIVE, FORWARD, FORWARD_TRANSITIVE, FULL, FULL_TRANSITIVE."
  }
}
