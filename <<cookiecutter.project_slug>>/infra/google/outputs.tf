output "inventory" {
  description = "Keys of deploy/inventory.yaml by environment: python3 tasks.py inventory.import ENV --from infra/google"
  value       = { for name, made in module.environment : name => made.inventory }
}

output "pipeline" {
  description = "Variables of the pipeline: GOOGLE_WORKLOAD_IDENTITY_PROVIDER, and GOOGLE_SERVICE_ACCOUNT of the repository, of each environment and of plans"
  value = {
    provider     = one(google_iam_workload_identity_pool_provider.ci[*].name)
    push         = one(google_service_account.push[*].email)
    plan         = one(google_service_account.plan[*].email)
    environments = { for name, made in module.environment : name => made.deployer }
  }
}

output "addresses" {
  description = "By environment: the address of the service, and the database's host"
  value       = { for name, made in module.environment : name => made.addresses }
}

output "secrets" {
  description = "Secrets without values by environment: gcloud secrets versions add NAME --data-file=-"
  value       = { for name, made in module.environment : name => made.secrets }
}
