# The pipeline's identity: no key is stored anywhere. Who may do what follows from the subject of its token.

locals {
  issuer = { github = "https://token.actions.githubusercontent.com", gitlab = "https://gitlab.com", none = "" }[var.ci]

  # A job on the deployed branch; a job of an environment, which GitHub gives out after its approval; a pull request.
  # The subject of GitLab has no environment: there, protected environments alone guard production. Azure compares
  # whole subjects, and those of GitLab's merge requests have the branch: there, plans run on the deployed branch only.
  on_branch = {
    github = "repo:${var.repository}:ref:refs/heads/${var.branch}"
    gitlab = "project_path:${var.repository}:ref_type:branch:ref:${var.branch}"
    none   = ""
  }[var.ci]
  deployers = {
    for name in keys(var.environments) : name => var.ci == "github" ? "repo:${var.repository}:environment:${name}" : local.on_branch
  }
  subjects = var.ci == "none" ? {} : {
    push = local.on_branch
    plan = var.ci == "github" ? "repo:${var.repository}:pull_request" : local.on_branch
  }
}

# `push` pushes the image; `plan` reads what there is, but no secret, and changes nothing.
resource "azurerm_user_assigned_identity" "ci" {
  for_each = local.subjects

  name                = "${var.service}-${each.key}"
  resource_group_name = azurerm_resource_group.shared.name
  location            = var.location
}

resource "azurerm_federated_identity_credential" "ci" {
  for_each = local.subjects

  name                = "pipeline"
  resource_group_name = azurerm_resource_group.shared.name
  parent_id           = azurerm_user_assigned_identity.ci[each.key].id
  issuer              = local.issuer
  subject             = each.value
  audience            = ["api://AzureADTokenExchange"]
}

# GitLab's merge requests have the branch in their subject, too: their previews cannot push.
resource "azurerm_federated_identity_credential" "preview" {
  count = var.ci == "github" && var.previews ? 1 : 0

  name                = "preview"
  resource_group_name = azurerm_resource_group.shared.name
  parent_id           = azurerm_user_assigned_identity.ci["push"].id
  issuer              = local.issuer
  subject             = "repo:${var.repository}:environment:preview"
  audience            = ["api://AzureADTokenExchange"]
}

resource "azurerm_role_assignment" "push" {
  count = var.ci == "none" ? 0 : 1

  scope                = local.registry_id
  role_definition_name = "AcrPush"
  principal_id         = azurerm_user_assigned_identity.ci["push"].principal_id
}

resource "azurerm_role_assignment" "plan" {
  count = var.ci == "none" ? 0 : 1

  scope                = "/subscriptions/${var.subscription}"
  role_definition_name = "Reader"
  principal_id         = azurerm_user_assigned_identity.ci["plan"].principal_id
}

resource "azurerm_role_assignment" "state" {
  count = var.ci == "none" ? 0 : 1

  scope                = var.state_account
  role_definition_name = "Storage Blob Data Reader"
  principal_id         = azurerm_user_assigned_identity.ci["plan"].principal_id
}
