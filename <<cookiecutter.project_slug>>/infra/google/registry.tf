locals {
  registry = {
    location   = trimsuffix(split("/", var.image)[0], "-docker.pkg.dev")
    repository = split("/", var.image)[2]
  }
}

# A rollback starts an image of the history, however old, and a running release is pulled again by each new instance. No
# age and no count is safe for these: every image with a tag stays. Layers are shared, so that one more release takes
# little space. Untagged images are left by an interrupted push; the parts of a multi-platform image have no tag either,
# but Artifact Registry refuses to remove what an index refers to.
resource "google_artifact_registry_repository" "service" {
  count = var.create_registry ? 1 : 0

  location      = local.registry.location
  repository_id = local.registry.repository
  format        = "DOCKER"

  docker_config {
    immutable_tags = true # a tag is the hash of the content: it never moves
  }

  cleanup_policies {
    id     = "keep-tagged"
    action = "KEEP"

    condition {
      tag_state = "TAGGED"
    }
  }

  cleanup_policies {
    id     = "leftovers-of-interrupted-pushes"
    action = "DELETE"

    condition {
      tag_state  = "UNTAGGED"
      older_than = "${var.untagged_days}d"
    }
  }

  depends_on = [google_project_service.api]
}
