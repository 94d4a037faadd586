resource "azurerm_postgresql_flexible_server" "this" {
  name                = "${local.brief}-${substr(local.mark, 0, 6)}"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location

  version           = var.database.version
  sku_name          = var.database.sku
  storage_mb        = var.database.storage
  auto_grow_enabled = true

  administrator_login               = "service"
  administrator_password_wo         = var.database_password
  administrator_password_wo_version = var.database_password_version

  public_network_access_enabled = false
  delegated_subnet_id           = azurerm_subnet.database.id
  private_dns_zone_id           = azurerm_private_dns_zone.database.id

  backup_retention_days        = var.database.backup_days
  geo_redundant_backup_enabled = false

  dynamic "high_availability" {
    for_each = var.database.zone_redundant ? ["ZoneRedundant"] : []

    content {
      mode = high_availability.value
    }
  }

  # Azure chooses the zone, and changes it after a fail-over.
  lifecycle {
    ignore_changes = [zone, high_availability[0].standby_availability_zone]
  }

  depends_on = [azurerm_private_dns_zone_virtual_network_link.database]
}

# Its protection from deletion.
resource "azurerm_management_lock" "database" {
  name       = "database"
  scope      = azurerm_postgresql_flexible_server.this.id
  lock_level = "CanNotDelete"
  notes      = "The data of ${local.name}"
}

# No connection without TLS: the default, which nothing may turn off.
resource "azurerm_postgresql_flexible_server_configuration" "tls" {
  name      = "require_secure_transport"
  server_id = azurerm_postgresql_flexible_server.this.id
  value     = "ON"
}

resource "azurerm_postgresql_flexible_server_database" "this" {
  name      = replace(var.service, "-", "_")
  server_id = azurerm_postgresql_flexible_server.this.id
}
