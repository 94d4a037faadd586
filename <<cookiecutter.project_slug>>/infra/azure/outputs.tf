output "inventory" {
  description = "Keys of deploy/inventory.yaml by environment: python3 tasks.py inventory.import ENV --from infra/azure"
  value       = { for name, made in module.environment : name => made.inventory }
}

output "pipeline" {
  description = "Variables of the pipeline: AZURE_TENANT_ID, AZURE_SUBSCRIPTION_ID, and AZURE_CLIENT_ID of the repository, of each environment and of plans"
  value = {
    tenant       = var.tenant
    subscription = var.subscription
    push         = one([for name, made in azurerm_user_assigned_identity.ci : made.client_id if name == "push"])
    plan         = one([for name, made in azurerm_user_assigned_identity.ci : made.client_id if name == "plan"])
    environments = { for name, made in module.environment : name => made.deployer }
  }
}

output "addresses" {
  description = "By environment: the address of the service, and the database's host"
  value       = { for name, made in module.environment : name => made.addresses }
}

output "secrets" {
  description = "By environment: the vault, and the names of its secrets, which you set: az keyvault secret set --file /dev/stdin"
  value       = { for name, made in module.environment : name => made.secrets }
}
