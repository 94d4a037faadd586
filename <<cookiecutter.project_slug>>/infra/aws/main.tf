# What exists once is here, what each environment has is in environment/. Terraform creates; the toolkit releases:
# the image and the variables of the service are never set from here (docs/infrastructure.md).

locals {
  # A bucket has at most 63 characters, 21 of them for "-history-ACCOUNT"; a longer name is cut, and told apart by a hash.
  short = length(var.service) <= 40 ? var.service : "${trimsuffix(substr(var.service, 0, 33), "-")}-${substr(sha256(var.service), 0, 6)}"
}

module "environment" {
  source   = "./environment"
  for_each = var.environments

  service        = var.service
  environment    = each.key
  account        = var.account
  region         = var.region
  image          = var.image
  repository_arn = aws_ecr_repository.service.arn
  history        = aws_s3_bucket.history.bucket
  zones          = [for letter in var.zones : "${var.region}${letter}"]

  cidr        = each.value.cidr
  domain      = each.value.domain
  certificate = each.value.certificate
  public      = each.value.public
  secrets     = each.value.secrets
  log_days    = each.value.log_days
  database    = each.value.database

  database_password         = lookup(var.database_passwords, each.key, null)
  database_password_version = var.database_password_version

  deployers = local.deployers[each.key]
}
