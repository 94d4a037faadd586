output "inventory" {
  value = {
    place           = "containerapps"
    subscription    = var.subscription
    resource_group  = azurerm_resource_group.this.name
    repository      = var.image
    environment     = azurerm_container_app_environment.this.name
    app             = azurerm_container_app.this.name
    identity        = azurerm_user_assigned_identity.service.id
    history_account = azurerm_storage_account.history.name
    secret = {
      store = "azure"
      keys  = { for key in var.secrets : key => "${azurerm_key_vault.this.name}/${lower(replace(key, "_", "-"))}" }
    }
  }
}

output "deployer" {
  value = one(azurerm_user_assigned_identity.deploy[*].client_id)
}

output "addresses" {
  value = {
    service  = "${azurerm_container_app.this.name}.${azurerm_container_app_environment.this.default_domain}"
    database = azurerm_postgresql_flexible_server.this.fqdn
  }
}

output "secrets" {
  value = { vault = azurerm_key_vault.this.name, names = [for key in var.secrets : lower(replace(key, "_", "-"))] }
}
