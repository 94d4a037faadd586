locals {
  registry_id = var.create_registry ? one(azurerm_container_registry.service[*].id) : var.registry_id
}

# A rollback starts an image of the history, however old, and a running release is pulled again by each new replica. No
# age and no count is safe for these, so that nothing is removed here: there is no `retention_policy_in_days`, and no
# task that purges. Layers are shared; one more release takes little space.
resource "azurerm_container_registry" "service" {
  count = var.create_registry ? 1 : 0

  name                = split(".", var.image)[0]
  resource_group_name = azurerm_resource_group.shared.name
  location            = var.location
  sku                 = "Standard"

  admin_enabled          = false # identities only
  anonymous_pull_enabled = false
}
