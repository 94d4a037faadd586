# The lock (a lease) and the history of deploys.
resource "azurerm_storage_account" "history" {
  name                = "hist${local.mark}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location

  account_tier             = "Standard"
  account_replication_type = "ZRS"

  https_traffic_only_enabled        = true
  min_tls_version                   = "TLS1_2"
  infrastructure_encryption_enabled = true
  allow_nested_items_to_be_public   = false
  shared_access_key_enabled         = false # identities only

  # What the toolkit has deleted (old records) can be restored for a month.
  blob_properties {
    versioning_enabled = true

    delete_retention_policy {
      days = 30
    }
  }
}

resource "azurerm_storage_container" "history" {
  name                  = "history"
  storage_account_id    = azurerm_storage_account.history.id
  container_access_type = "private"
}
