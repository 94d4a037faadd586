output "inventory" {
  value = {
    place          = "ecs"
    account        = var.account
    region         = var.region
    repository     = var.image
    cluster        = aws_ecs_cluster.this.name
    service        = aws_ecs_service.this.name
    family         = local.name
    execution_role = aws_iam_role.execution.arn
    task_role      = aws_iam_role.task.arn
    log_group      = aws_cloudwatch_log_group.service.name
    scheduler_role = aws_iam_role.scheduler.arn
    bucket         = var.history
    url            = "https://${var.domain}"
    secret         = { store = "aws", keys = { for key, secret in aws_secretsmanager_secret.this : key => secret.name } }
  }
}

output "deploy_role" {
  value = one(aws_iam_role.deploy[*].arn)
}

output "addresses" {
  value = { load_balancer = aws_lb.this.dns_name, database = aws_db_instance.this.address }
}

output "secrets" {
  value = [for secret in aws_secretsmanager_secret.this : secret.name]
}
