# Run by `terraform test`: no credentials are needed, and nothing is created.
mock_provider "google" {}

variables {
  service      = "shop"
  image        = "europe-west3-docker.pkg.dev/team-project/images/shop"
  project      = "team-project"
  region       = "europe-west3"
  ci           = "github"
  repository   = "team/shop"
  state_bucket = "team-state"
  environments = {
    production = { cidr = "10.20.0.0/20" }
  }
}

run "the_keys_of_the_inventory_are_complete" {
  assert {
    condition     = output.inventory["production"].place == "cloudrun" && output.inventory["production"].project == "team-project"
    error_message = "The output inventory must have the keys of place: cloudrun."
  }

  assert {
    condition     = output.inventory["production"].secret.keys == { DATABASE_URL = "team-project/shop-production-database-url" }
    error_message = "Each secret must be a key of the inventory."
  }
}

run "images_with_a_tag_stay" {
  command = plan

  assert {
    condition = alltrue([
      for policy in google_artifact_registry_repository.service[0].cleanup_policies :
      policy.action == "KEEP" || one(policy.condition).tag_state == "UNTAGGED"
    ])
    error_message = "A policy that removes tagged images can remove one that the history needs for a rollback."
  }
}

run "only_an_approved_job_may_deploy" {
  assert {
    condition     = endswith(local.deployers["production"], "/subject/repo:team/shop:environment:production")
    error_message = "The account of production must trust jobs of the environment production alone."
  }

  assert {
    condition     = google_iam_workload_identity_pool_provider.ci[0].attribute_condition == "assertion.repository == \"team/shop\""
    error_message = "The provider must refuse every other repository."
  }
}

run "the_branch_alone_may_deploy_from_gitlab" {
  variables {
    ci = "gitlab"
  }

  assert {
    condition     = endswith(local.deployers["production"], "/subject/project_path:team/shop:ref_type:branch:ref:main")
    error_message = "The account of production must trust the deployed branch alone."
  }
}

run "previews_push_only_if_asked_for" {
  command = plan

  assert {
    condition     = length(google_service_account_iam_member.preview) == 0
    error_message = "The deployed branch alone may push."
  }
}

run "previews_may_push" {
  variables {
    previews = true
  }

  assert {
    condition     = endswith(one(google_service_account_iam_member.preview[*].member), "/subject/repo:team/shop:environment:preview")
    error_message = "Jobs of the environment preview must be trusted to push."
  }
}

run "without_a_pipeline_no_account_trusts_one" {
  variables {
    ci = "none"
  }

  assert {
    condition     = output.pipeline.push == null && output.pipeline.environments["production"] == null
    error_message = "There must be no account for a pipeline."
  }
}

run "a_repository_with_a_wildcard_is_refused" {
  command = plan

  variables {
    repository = "team/*"
  }

  expect_failures = [var.repository]
}

run "few_backups_are_refused" {
  command = plan

  variables {
    environments = { production = { cidr = "10.20.0.0/20", database = { backups = 1 } } }
  }

  expect_failures = [var.environments]
}
