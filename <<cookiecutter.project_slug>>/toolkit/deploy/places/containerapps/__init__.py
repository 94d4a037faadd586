"""Azure Container Apps: an app of a resource group, by Azure Resource Manager."""
