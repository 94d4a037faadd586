output "inventory" {
  description = "Keys of deploy/inventory.yaml by environment: python3 tasks.py inventory.import ENV --from infra/aws"
  value       = { for name, made in module.environment : name => made.inventory }
}

output "pipeline" {
  description = "Variables of the pipeline (AWS_ROLE): of the repository, of each environment, and TERRAFORM_ROLE"
  value = {
    push         = one(aws_iam_role.push[*].arn)
    plan         = one(aws_iam_role.plan[*].arn)
    environments = { for name, made in module.environment : name => made.deploy_role }
  }
}

output "addresses" {
  description = "By environment: the name of the load balancer, for a CNAME record, and the database's host"
  value       = { for name, made in module.environment : name => made.addresses }
}

output "secrets" {
  description = "Secrets without values by environment: aws secretsmanager put-secret-value --secret-id NAME"
  value       = { for name, made in module.environment : name => made.secrets }
}
