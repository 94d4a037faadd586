terraform {
  required_version = ">= 1.11" # write-only arguments: no password in the state

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.25"
    }
  }

  # The bucket of the state exists before everything else: docs/infrastructure.md.
  backend "s3" {
    key          = "<<cookiecutter.project_slug>>/terraform.tfstate"
    region       = "<<cookiecutter.registry.split(".")[3:4] | join>>"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region              = var.region
  allowed_account_ids = [var.account]

  default_tags {
    tags = { service = var.service }
  }
}
