terraform {
  required_version = ">= 1.7"
  required_providers {
    # The registry's own HTTP interface. Providers made for registries refuse subjects with a slash, which the names of
    # imported files have.
    restapi = {
      source  = "Mastercard/restapi"
      version = "~> 3.0"
    }
  }
}
