terraform {
  required_version = ">= 1.11" # write-only arguments: no password in the state

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # The bucket of the state exists before everything else: docs/infrastructure.md.
  backend "gcs" {
    prefix = "<<cookiecutter.project_slug>>"
  }
}

provider "google" {
  project = var.project
  region  = var.region

  default_labels = { service = var.service }
}
