# What exists once is here, what each environment has is in environment/. Terraform creates; the toolkit releases:
# the image and the variables of the service are never set from here (docs/infrastructure.md).

locals {
  # An account has at most 30 characters, 7 of them for "-deploy"; a longer name is cut, and told apart by a hash.
  short = length(var.service) <= 23 ? var.service : "${trimsuffix(substr(var.service, 0, 16), "-")}-${substr(sha256(var.service), 0, 6)}"
}

resource "google_project_service" "api" {
  for_each = toset([
    "artifactregistry", "compute", "iam", "iamcredentials", "logging", "run", "secretmanager", "servicenetworking",
    "sqladmin", "sts",
  ])

  service            = "${each.key}.googleapis.com"
  disable_on_destroy = false # other services of the project may use it
}

module "environment" {
  source   = "./environment"
  for_each = var.environments

  service     = var.service
  environment = each.key
  project     = var.project
  region      = var.region
  image       = var.image

  cidr     = each.value.cidr
  public   = each.value.public
  secrets  = each.value.secrets
  log_days = each.value.log_days
  database = each.value.database

  database_password         = lookup(var.database_passwords, each.key, null)
  database_password_version = var.database_password_version

  deployer            = var.ci == "none" ? null : local.deployers[each.key]
  registry_location   = local.registry.location
  registry_repository = local.registry.repository

  depends_on = [google_project_service.api]
}
