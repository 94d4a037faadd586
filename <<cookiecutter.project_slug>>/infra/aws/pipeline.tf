# The pipeline's identity: no key is stored anywhere. Who may do what follows from the subject of its token.

locals {
  issuer   = { github = "token.actions.githubusercontent.com", gitlab = "gitlab.com", none = "" }[var.ci]
  audience = { github = "sts.amazonaws.com", gitlab = "https://gitlab.com", none = "" }[var.ci]
  provider = var.ci == "none" ? "" : coalesce(var.identity_provider, one(aws_iam_openid_connect_provider.ci[*].arn))

  # A job on the deployed branch; a job of an environment, which GitHub gives out after its approval; a pull request.
  # The subject of GitLab has no environment: there, protected environments alone guard production.
  on_branch = {
    github = "repo:${var.repository}:ref:refs/heads/${var.branch}"
    gitlab = "project_path:${var.repository}:ref_type:branch:ref:${var.branch}"
    none   = ""
  }[var.ci]
  in_environment = {
    for name in keys(var.environments) : name => var.ci == "github" ? "repo:${var.repository}:environment:${name}" : local.on_branch
  }
  in_pull_request = {
    github = "repo:${var.repository}:pull_request"
    gitlab = "project_path:${var.repository}:ref_type:branch:ref:*"
    none   = ""
  }[var.ci]

  in_preview = var.ci == "github" ? "repo:${var.repository}:environment:preview" : local.in_pull_request
  pushers    = var.previews ? [local.on_branch, local.in_preview] : [local.on_branch]

  subjects = merge(
    { push = local.pushers, plan = [local.in_pull_request] },
    { for name, subject in local.in_environment : name => [subject] },
  )
  trust = {
    for name, subjects in local.subjects : name => jsonencode({
      Version = "2012-10-17"
      Statement = [{
        Effect    = "Allow"
        Principal = { Federated = local.provider }
        Action    = "sts:AssumeRoleWithWebIdentity"
        Condition = {
          StringEquals = { "${local.issuer}:aud" = local.audience }
          StringLike   = { "${local.issuer}:sub" = subjects }
        }
      }]
    })
  }
  deployers = { for name in keys(var.environments) : name => var.ci == "none" ? null : local.trust[name] }
}

resource "aws_iam_openid_connect_provider" "ci" {
  count = var.ci == "none" || var.identity_provider != null ? 0 : 1

  url            = "https://${local.issuer}"
  client_id_list = [local.audience]
}

# Pushes the image, and nothing else.
resource "aws_iam_role" "push" {
  count = var.ci == "none" ? 0 : 1

  name               = "${local.short}-push"
  assume_role_policy = local.trust.push
}

resource "aws_iam_role_policy" "push" {
  count = var.ci == "none" ? 0 : 1

  role = aws_iam_role.push[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
      {
        Effect = "Allow"
        Action = [
          "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:DescribeImages",
          "ecr:GetDownloadUrlForLayer", "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
        ]
        Resource = aws_ecr_repository.service.arn
      },
    ]
  })
}

# Plans pull requests: reads everything but secrets, logs and the content of other buckets, and changes nothing.
resource "aws_iam_role" "plan" {
  count = var.ci == "none" ? 0 : 1

  name               = "${local.short}-plan"
  assume_role_policy = local.trust.plan
}

resource "aws_iam_role_policy_attachment" "plan" {
  count = var.ci == "none" ? 0 : 1

  role       = aws_iam_role.plan[0].name
  policy_arn = "arn:aws:iam::aws:policy/ReadOnlyAccess"
}

resource "aws_iam_role_policy" "plan" {
  count = var.ci == "none" ? 0 : 1

  role = aws_iam_role.plan[0].id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect   = "Deny"
        Action   = ["secretsmanager:GetSecretValue", "ssm:GetParameter*", "logs:GetLogEvents", "logs:FilterLogEvents", "logs:StartQuery"]
        Resource = "*"
      },
      {
        Effect      = "Deny"
        Action      = "s3:GetObject*"
        NotResource = "arn:aws:s3:::${var.state_bucket}/*"
      },
    ]
  })
}
