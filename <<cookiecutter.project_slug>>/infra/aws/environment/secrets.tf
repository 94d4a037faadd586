# Containers without values: a value in Terraform would be in its state. docs/infrastructure.md has the command.
resource "aws_secretsmanager_secret" "this" {
  for_each = var.secrets

  name                    = "${local.name}/${lower(replace(each.key, "_", "-"))}"
  description             = "${each.key} of ${var.service} in ${var.environment}"
  recovery_window_in_days = 30
}
