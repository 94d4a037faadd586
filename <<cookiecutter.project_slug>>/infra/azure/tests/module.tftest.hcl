# Run by `terraform test`: no credentials are needed, and nothing is created.
mock_provider "azurerm" {}

variables {
  service       = "shop"
  image         = "example.azurecr.io/team/shop"
  subscription  = "00000000-0000-0000-0000-000000000001"
  tenant        = "00000000-0000-0000-0000-000000000002"
  location      = "westeurope"
  ci            = "github"
  repository    = "team/shop"
  state_account = "/subscriptions/x/resourceGroups/state/providers/Microsoft.Storage/storageAccounts/state"
  environments = {
    production = { cidr = "10.20.0.0/16" }
  }
}

run "the_keys_of_the_inventory_are_complete" {
  command = plan

  assert {
    condition     = output.inventory["production"].place == "containerapps"
    error_message = "The output inventory must have the keys of place: containerapps."
  }

  assert {
    condition     = endswith(output.inventory["production"].secret.keys["DATABASE_URL"], "/database-url")
    error_message = "Each secret must be a key of the inventory."
  }
}

run "only_an_approved_job_may_deploy" {
  command = plan

  assert {
    condition     = local.deployers["production"] == "repo:team/shop:environment:production"
    error_message = "The identity of production must trust jobs of the environment production alone."
  }
}

run "the_branch_alone_may_deploy_from_gitlab" {
  command = plan

  variables {
    ci = "gitlab"
  }

  assert {
    condition     = local.deployers["production"] == "project_path:team/shop:ref_type:branch:ref:main"
    error_message = "The identity of production must trust the deployed branch alone."
  }
}

run "previews_push_only_if_asked_for" {
  command = plan

  assert {
    condition     = length(azurerm_federated_identity_credential.preview) == 0
    error_message = "The deployed branch alone may push."
  }
}

run "previews_may_push" {
  command = plan

  variables {
    previews = true
  }

  assert {
    condition     = one(azurerm_federated_identity_credential.preview[*].subject) == "repo:team/shop:environment:preview"
    error_message = "Jobs of the environment preview must be trusted to push."
  }
}

run "without_a_pipeline_no_identity_trusts_one" {
  command = plan

  variables {
    ci = "none"
  }

  assert {
    condition     = output.pipeline.push == null && output.pipeline.environments["production"] == null
    error_message = "There must be no identity for a pipeline."
  }
}

run "a_repository_with_a_wildcard_is_refused" {
  command = plan

  variables {
    repository = "team/*"
  }

  expect_failures = [var.repository]
}

run "backups_of_a_day_are_refused" {
  command = plan

  variables {
    environments = { production = { cidr = "10.20.0.0/16", database = { backup_days = 1 } } }
  }

  expect_failures = [var.environments]
}
