# The pipeline's job of this environment: what `deploy`, `rollback`, `run` and `status` call.
resource "aws_iam_role" "deploy" {
  count = var.deployers == null ? 0 : 1

  name               = "${local.brief}-deploy"
  assume_role_policy = var.deployers
}

resource "aws_iam_role_policy" "deploy" {
  count = var.deployers == null ? 0 : 1

  role = aws_iam_role.deploy[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "Look"
        Effect = "Allow"
        Action = [
          "application-autoscaling:DescribeScalableTargets", "ec2:DescribeNetworkInterfaces", "ec2:DescribeRouteTables",
          "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcEndpoints", "ecr:GetAuthorizationToken", "ecs:DescribeTaskDefinition",
          "ecs:ListTaskDefinitions", "elasticloadbalancing:DescribeTargetGroups", "elasticloadbalancing:DescribeTargetHealth",
          "logs:DescribeLogGroups",
        ]
        Resource = "*"
      },
      {
        Sid      = "Image"
        Effect   = "Allow"
        Action   = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:DescribeImages", "ecr:GetDownloadUrlForLayer"]
        Resource = var.repository_arn
      },
      {
        Sid      = "Register" # ECS has no narrower resource for these
        Effect   = "Allow"
        Action   = ["ecs:DeregisterTaskDefinition", "ecs:ListTagsForResource", "ecs:RegisterTaskDefinition", "ecs:TagResource"]
        Resource = "*"
      },
      {
        Sid      = "Cluster"
        Effect   = "Allow"
        Action   = "ecs:DescribeClusters"
        Resource = aws_ecs_cluster.this.arn
      },
      {
        Sid    = "Release"
        Effect = "Allow"
        Action = [
          "ecs:CreateService", "ecs:DeleteService", "ecs:DescribeServices", "ecs:DescribeTasks",
          "ecs:ExecuteCommand", "ecs:ListServices", "ecs:ListTasks", "ecs:RunTask", "ecs:StopTask",
          "ecs:UpdateService",
        ]
        Resource  = "*"
        Condition = { ArnEquals = { "ecs:cluster" = aws_ecs_cluster.this.arn } }
      },
      {
        Sid      = "PassRoles"
        Effect   = "Allow"
        Action   = ["iam:GetRole", "iam:PassRole"]
        Resource = [aws_iam_role.execution.arn, aws_iam_role.scheduler.arn, aws_iam_role.task.arn]
      },
      {
        Sid      = "Schedules" # of processes
        Effect   = "Allow"
        Action   = ["scheduler:CreateSchedule", "scheduler:DeleteSchedule", "scheduler:GetSchedule", "scheduler:UpdateSchedule"]
        Resource = "arn:aws:scheduler:${var.region}:${var.account}:schedule/default/${local.name}*"
      },
      { Sid = "ListSchedules", Effect = "Allow", Action = "scheduler:ListSchedules", Resource = "*" },
      {
        Sid      = "Secrets" # that they exist; their values are read by ECS alone
        Effect   = "Allow"
        Action   = ["secretsmanager:DescribeSecret", "secretsmanager:ListSecretVersionIds"]
        Resource = [for secret in aws_secretsmanager_secret.this : secret.arn]
      },
      {
        Sid      = "Log"
        Effect   = "Allow"
        Action   = ["logs:FilterLogEvents", "logs:GetLogEvents"]
        Resource = "${aws_cloudwatch_log_group.service.arn}:*"
      },
      {
        Sid      = "History"
        Effect   = "Allow"
        Action   = ["s3:DeleteObject", "s3:GetObject", "s3:PutObject"]
        Resource = "arn:aws:s3:::${var.history}/${local.name}/*"
      },
      {
        Sid      = "ListHistory"
        Effect   = "Allow"
        Action   = "s3:ListBucket"
        Resource = "arn:aws:s3:::${var.history}"
      },
    ]
  })
}
