# Who may talk to whom: clients -> load balancer -> service -> database.

resource "aws_security_group" "balancer" {
  name        = "${local.name}-balancer"
  description = "Load balancer"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "service" {
  name        = "${local.name}-service"
  description = "Service"
  vpc_id      = aws_vpc.this.id
}

resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "Database"
  vpc_id      = aws_vpc.this.id
}

resource "aws_vpc_security_group_ingress_rule" "clients" {
  for_each = toset(["80", "443"])

  security_group_id = aws_security_group.balancer.id
  description       = "Clients"
  cidr_ipv4         = var.public ? "0.0.0.0/0" : var.cidr
  ip_protocol       = "tcp"
  from_port         = tonumber(each.key)
  to_port           = tonumber(each.key)
}

resource "aws_vpc_security_group_egress_rule" "to_service" {
  security_group_id            = aws_security_group.balancer.id
  description                  = "Requests and health checks"
  referenced_security_group_id = aws_security_group.service.id
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8000
}

resource "aws_vpc_security_group_ingress_rule" "from_balancer" {
  security_group_id            = aws_security_group.service.id
  description                  = "Requests and health checks"
  referenced_security_group_id = aws_security_group.balancer.id
  ip_protocol                  = "tcp"
  from_port                    = 8000
  to_port                      = 8000
}

resource "aws_vpc_security_group_egress_rule" "from_service" {
  security_group_id = aws_security_group.service.id
  description       = "Database, registry, secrets, identity provider"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

resource "aws_vpc_security_group_ingress_rule" "to_database" {
  security_group_id            = aws_security_group.database.id
  description                  = "The service and its migrations"
  referenced_security_group_id = aws_security_group.service.id
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}
