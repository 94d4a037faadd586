resource "azurerm_log_analytics_workspace" "this" {
  name                = local.name
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
  sku                 = "PerGB2018"
  retention_in_days   = var.log_days
}

resource "azurerm_container_app_environment" "this" {
  name                = local.brief
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location

  logs_destination               = "log-analytics"
  log_analytics_workspace_id     = azurerm_log_analytics_workspace.this.id
  infrastructure_subnet_id       = azurerm_subnet.service.id
  internal_load_balancer_enabled = !var.public

  workload_profile {
    name                  = "Consumption"
    workload_profile_type = "Consumption"
  }

  # Azure names the group of its own resources.
  lifecycle {
    ignore_changes = [infrastructure_resource_group_name]
  }
}

# The service itself: pulls its image and reads its secrets. Assign here what yours needs.
resource "azurerm_user_assigned_identity" "service" {
  name                = "${local.name}-run"
  resource_group_name = azurerm_resource_group.this.name
  location            = var.location
}

resource "azurerm_role_assignment" "pull" {
  scope                = var.registry_id
  role_definition_name = "AcrPull"
  principal_id         = azurerm_user_assigned_identity.service.principal_id
}

resource "azurerm_container_app" "this" {
  name                         = local.brief
  resource_group_name          = azurerm_resource_group.this.name
  container_app_environment_id = azurerm_container_app_environment.this.id
  revision_mode                = "Multiple"
  workload_profile_name        = "Consumption"

  identity {
    type         = "UserAssigned"
    identity_ids = [azurerm_user_assigned_identity.service.id]
  }

  registry {
    server   = split("/", var.image)[0]
    identity = azurerm_user_assigned_identity.service.id
  }

  ingress {
    external_enabled           = true # at the environment's load balancer, which is internal unless public
    allow_insecure_connections = false
    target_port                = 8000

    traffic_weight {
      latest_revision = true
      percentage      = 100
    }
  }

  # Holds the place until the first deploy, whose release has the image, variables and secrets of the service.
  template {
    min_replicas = 0
    max_replicas = 1

    container {
      name   = "app"
      image  = "mcr.microsoft.com/k8se/quickstart:latest"
      cpu    = 0.25
      memory = "0.5Gi"
    }
  }

  # The toolkit releases: revisions, the traffic between them, and references to secrets.
  lifecycle {
    ignore_changes = [ingress[0].traffic_weight, secret, tags, template]
  }

  depends_on = [azurerm_role_assignment.pull]
}
