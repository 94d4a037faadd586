# The pipeline's job of this environment: what `deploy`, `rollback`, `run` and `status` call.
resource "azurerm_user_assigned_identity" "deploy" {
  count = var.deployer == null ? 0 : 1

  name                = "${local.name}-deploy"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
}

resource "azurerm_federated_identity_credential" "deploy" {
  count = var.deployer == null ? 0 : 1

  name                = "pipeline"
  resource_group_name = azurerm_resource_group.this.name
  parent_id           = azurerm_user_assigned_identity.deploy[0].id
  issuer              = var.issuer
  subject             = var.deployer
  audience            = ["api://AzureADTokenExchange"]
}

# Container Apps Contributor and Jobs Contributor: apps and jobs of this group, not its database or vault.
resource "azurerm_role_assignment" "deploy" {
  for_each = var.deployer == null ? {} : {
    apps     = { scope = azurerm_resource_group.this.id, role = "Container Apps Contributor" }
    jobs     = { scope = azurerm_resource_group.this.id, role = "Container Apps Jobs Contributor" }
    identity = { scope = azurerm_user_assigned_identity.service.id, role = "Managed Identity Operator" }
    image    = { scope = var.registry_id, role = "AcrPull" }
    log      = { scope = azurerm_log_analytics_workspace.this.id, role = "Log Analytics Reader" }
    history  = { scope = azurerm_storage_account.history.id, role = "Storage Blob Data Contributor" }
    secrets  = { scope = azurerm_key_vault.this.id, role = "Key Vault Reader" } # that they exist, not their values
  }

  scope                = each.value.scope
  role_definition_name = each.value.role
  principal_id         = azurerm_user_assigned_identity.deploy[0].principal_id
}
