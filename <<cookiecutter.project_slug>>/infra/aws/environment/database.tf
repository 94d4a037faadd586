resource "aws_db_subnet_group" "this" {
  name       = local.name
  subnet_ids = aws_subnet.private[*].id
}

resource "aws_db_parameter_group" "this" {
  name   = local.name
  family = "postgres${var.database.version}"

  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_db_instance" "this" {
  identifier = local.brief

  engine                      = "postgres"
  engine_version              = var.database.version
  instance_class              = var.database.instance_class
  allocated_storage           = var.database.storage
  max_allocated_storage       = var.database.storage * 5
  storage_type                = "gp3"
  multi_az                    = var.database.multi_az
  parameter_group_name        = aws_db_parameter_group.this.name
  allow_major_version_upgrade = false

  db_name             = replace(var.service, "-", "_")
  username            = "service"
  password_wo         = var.database_password
  password_wo_version = var.database_password_version

  publicly_accessible    = false
  db_subnet_group_name   = aws_db_subnet_group.this.name
  vpc_security_group_ids = [aws_security_group.database.id]

  storage_encrypted         = true
  deletion_protection       = true
  backup_retention_period   = var.database.backup_days
  copy_tags_to_snapshot     = true
  skip_final_snapshot       = false
  final_snapshot_identifier = "${local.brief}-final"

  performance_insights_enabled    = true
  enabled_cloudwatch_logs_exports = ["postgresql"]
}
