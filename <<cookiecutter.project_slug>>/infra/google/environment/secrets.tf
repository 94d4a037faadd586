# Containers without values: a value in Terraform would be in its state. docs/infrastructure.md has the command.
resource "google_secret_manager_secret" "this" {
  for_each = var.secrets

  secret_id           = "${local.name}-${lower(replace(each.key, "_", "-"))}"
  deletion_protection = true

  replication {
    auto {}
  }
}

resource "google_secret_manager_secret_iam_member" "service" {
  for_each = google_secret_manager_secret.this

  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = "serviceAccount:${google_service_account.service.email}"
}
