# What exists once is here, what each environment has is in environment/. Terraform creates; the toolkit releases:
# the image and the variables of the service are never set from here (docs/infrastructure.md).

resource "azurerm_resource_group" "shared" {
  name     = var.service
  location = var.location
  tags     = { service = var.service }
}

module "environment" {
  source   = "./environment"
  for_each = var.environments

  service      = var.service
  environment  = each.key
  subscription = var.subscription
  tenant       = var.tenant
  location     = var.location
  image        = var.image
  registry_id  = local.registry_id

  cidr     = each.value.cidr
  public   = each.value.public
  secrets  = each.value.secrets
  log_days = each.value.log_days
  database = each.value.database

  database_password         = lookup(var.database_passwords, each.key, null)
  database_password_version = var.database_password_version

  issuer   = local.issuer
  deployer = var.ci == "none" ? null : local.deployers[each.key]
}
