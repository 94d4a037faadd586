variable "service" {
  type = string
}

variable "environment" {
  type = string
}

variable "project" {
  type = string
}

variable "region" {
  type = string
}

variable "image" {
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
    version  = string
    tier     = string
    storage  = number
    regional = bool
    backups  = number
  })
}

variable "database_password" {
  type      = string
  sensitive = true
}

variable "database_password_version" {
  type = number
}

variable "deployer" {
  description = "Principal of the pipeline that deploys here; null without a pipeline"
  type        = string
}

variable "registry_location" {
  type = string
}

variable "registry_repository" {
  type = string
}

locals {
  name = "${var.service}-${var.environment}"
  # Cloud Run allows 49 characters, an account 30 with "-deploy"; a longer name is cut, and told apart by a hash.
  brief   = length(local.name) <= 40 ? local.name : "${trimsuffix(substr(local.name, 0, 33), "-")}-${local.mark}"
  account = length(local.name) <= 23 ? local.name : "${trimsuffix(substr(local.name, 0, 16), "-")}-${local.mark}"
  mark    = substr(sha256(local.name), 0, 6)
}
