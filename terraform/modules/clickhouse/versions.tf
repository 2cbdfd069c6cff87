terraform {
  # Passwords are write-only arguments: they never stand in the state.
  required_version = ">= 1.11"
  required_providers {
    clickhousedbops = {
      source  = "ClickHouse/clickhousedbops"
      version = "~> 1.11"
    }
  }
}
