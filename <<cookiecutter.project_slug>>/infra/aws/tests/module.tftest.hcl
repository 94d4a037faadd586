# Run by `terraform test`: no credentials are needed, and nothing is created.
mock_provider "aws" {}

variables {
  service      = "shop"
  image        = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/team/shop"
  account      = "123456789012"
  region       = "eu-central-1"
  ci           = "github"
  repository   = "team/shop"
  state_bucket = "team-state"
  environments = {
    production = { cidr = "10.20.0.0/16", domain = "example.com", certificate = "arn:aws:acm:eu-central-1:123456789012:certificate/0" }
  }
}

run "the_keys_of_the_inventory_are_complete" {
  assert {
    condition     = output.inventory["production"].place == "ecs" && output.inventory["production"].account == "123456789012"
    error_message = "The output inventory must have the keys of place: ecs."
  }

  assert {
    condition     = output.inventory["production"].secret.keys == { DATABASE_URL = "shop-production/database-url" }
    error_message = "Each secret must be a key of the inventory."
  }
}

run "images_with_a_tag_stay" {
  command = plan

  assert {
    condition = alltrue([
      for rule in jsondecode(aws_ecr_lifecycle_policy.service.policy).rules : rule.selection.tagStatus == "untagged"
    ])
    error_message = "A rule that removes tagged images can remove one that the history needs for a rollback."
  }
}

run "only_an_approved_job_may_deploy" {
  assert {
    condition     = one(jsondecode(local.trust["production"]).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"]) == "repo:team/shop:environment:production"
    error_message = "The role of production must trust jobs of the environment production alone."
  }
}

run "the_branch_alone_may_deploy_from_gitlab" {
  variables {
    ci = "gitlab"
  }

  assert {
    condition     = one(jsondecode(local.trust["production"]).Statement[0].Condition.StringLike["gitlab.com:sub"]) == "project_path:team/shop:ref_type:branch:ref:main"
    error_message = "The role of production must trust the deployed branch alone."
  }
}

run "previews_push_only_if_asked_for" {
  assert {
    condition     = join(" ", local.pushers) == "repo:team/shop:ref:refs/heads/main"
    error_message = "The deployed branch alone may push."
  }
}

run "previews_may_push" {
  variables {
    previews = true
  }

  assert {
    condition     = contains(jsondecode(local.trust["push"]).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"], "repo:team/shop:environment:preview")
    error_message = "Jobs of the environment preview must be trusted to push."
  }

  assert {
    condition     = one(jsondecode(local.trust["production"]).Statement[0].Condition.StringLike["token.actions.githubusercontent.com:sub"]) == "repo:team/shop:environment:production"
    error_message = "A preview must not deploy to production."
  }
}

run "without_a_pipeline_no_role_trusts_one" {
  variables {
    ci = "none"
  }

  assert {
    condition     = output.pipeline.push == null && output.pipeline.environments["production"] == null
    error_message = "There must be no role for a pipeline."
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
    environments = {
      production = { cidr = "10.20.0.0/16", domain = "example.com", certificate = "arn:aws:acm:x", database = { backup_days = 1 } }
    }
  }

  expect_failures = [var.environments]
}
