variable "service" {
  type = string
}

variable "environment" {
  type = string
}

variable "subscription" {
  type = string
}

variable "tenant" {
  type = string
}

variable "location" {
  type = string
}

variable "image" {
  type = string
}

variable "registry_id" {
  type = string
}

variable "cidr" {
  type = string
}

variable "public" {
  type = bool
}

variable "secrets" {
  type = set(string)
}

variable "log_days" {
  type = number
}

variable "database" {
  type = object({
    version        = string
    sku            = string
    storage        = number
    zone_redundant = bool
    backup_days    = number
  })
}

variable "database_password" {
  type      = string
  sensitive = true
}

variable "database_password_version" {
  type = number
}

variable "issuer" {
  type = string
}

variable "deployer" {
  description = "Subject of the pipeline's job that deploys here; null without a pipeline"
  type        = string
}

locals {
  name = "${var.service}-${var.environment}"

  # Vaults, storage accounts and database servers share one name space with all customers: a hash makes them unique.
  mark = substr(sha256("${var.subscription}/${local.name}"), 0, 16)
  # A container app has at most 32 characters; a longer name is cut, and told apart by a hash.
  brief = length(local.name) <= 32 ? local.name : "${trimsuffix(substr(local.name, 0, 25), "-")}-${substr(local.mark, 0, 6)}"
}
