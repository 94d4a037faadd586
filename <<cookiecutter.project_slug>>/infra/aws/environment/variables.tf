variable "service" {
  type = string
}

variable "environment" {
  type = string
}

variable "account" {
  type = string
}

variable "region" {
  type = string
}

variable "image" {
  type = string
}

variable "repository_arn" {
  type = string
}

variable "history" {
  description = "Bucket of the lock and the history"
  type        = string
}

variable "zones" {
  type = list(string)
}

variable "cidr" {
  type = string
}

variable "domain" {
  type = string
}

variable "certificate" {
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
    instance_class = string
    storage        = number
    multi_az       = bool
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

variable "deployers" {
  description = "Trust policy of the role that deploys; null without a pipeline"
  type        = string
}

locals {
  name = "${var.service}-${var.environment}"
  # A load balancer has at most 32 characters, a database 63; a longer name is cut, and told apart by a hash.
  brief = length(local.name) <= 32 ? local.name : "${trimsuffix(substr(local.name, 0, 25), "-")}-${substr(sha256(local.name), 0, 6)}"
}
