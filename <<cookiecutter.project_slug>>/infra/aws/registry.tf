locals {
  repository_name = join("/", slice(split("/", var.image), 1, length(split("/", var.image))))
}

resource "aws_ecr_repository" "service" {
  name                 = local.repository_name
  image_tag_mutability = "IMMUTABLE" # a tag is the hash of the content: it never moves
  force_delete         = false

  encryption_configuration {
    encryption_type = "AES256"
  }

  image_scanning_configuration {
    scan_on_push = true
  }
}

# A rollback starts an image of the history, however old, and a running release is pulled again by each new task. No age
# and no count is safe for these: every image with a tag stays. Layers are shared, so that one more release takes little
# space. Untagged images are left by an interrupted push; the parts of a multi-platform image have no tag either, but ECR
# keeps them as long as their index exists.
resource "aws_ecr_lifecycle_policy" "service" {
  repository = aws_ecr_repository.service.name

  policy = jsonencode({
    rules = [{
      rulePriority = 1
      description  = "Leftovers of interrupted pushes"
      selection = {
        tagStatus   = "untagged"
        countType   = "sinceImagePushed"
        countUnit   = "days"
        countNumber = var.untagged_days
      }
      action = { type = "expire" }
    }]
  })
}
