terraform {
  required_version = ">= 1.11" # write-only arguments: no password in the state

  required_providers {
    azurerm = {
      source  = "hashicorp/azurerm"
      version = "~> 4.55"
    }
  }

  # The storage account of the state exists before everything else: docs/infrastructure.md.
  backend "azurerm" {
    container_name   = "tfstate"
    key              = "<<cookiecutter.project_slug>>.tfstate"
    use_azuread_auth = true
  }
}

provider "azurerm" {
  subscription_id     = var.subscription
  storage_use_azuread = true

  features {
    key_vault {
      purge_soft_delete_on_destroy = false
    }
  }
}
