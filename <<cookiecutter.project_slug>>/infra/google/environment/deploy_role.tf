# The pipeline's job of this environment: what `deploy`, `rollback`, `run` and `status` call.
resource "google_service_account" "deploy" {
  count = var.deployer == null ? 0 : 1

  account_id   = "${local.account}-deploy"
  display_name = "Deploys ${var.service} to ${var.environment}"
}

resource "google_service_account_iam_member" "deploy" {
  count = var.deployer == null ? 0 : 1

  service_account_id = google_service_account.deploy[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = var.deployer
}

# Jobs (a migration, `run`) are created by the toolkit, so that this role is the project's; its condition names them.
resource "google_project_iam_member" "deploy" {
  count = var.deployer == null ? 0 : 1

  project = var.project
  role    = "roles/run.developer"
  member  = "serviceAccount:${google_service_account.deploy[0].email}"

  condition {
    title      = "Service and jobs of ${local.brief}"
    expression = "resource.name == \"projects/${var.project}/locations/${var.region}/services/${local.brief}\" || resource.name.startsWith(\"projects/${var.project}/locations/${var.region}/jobs/${local.brief}-\") || resource.name == \"projects/${var.project}/locations/${var.region}\""
  }
}

resource "google_service_account_iam_member" "acts_as_service" {
  count = var.deployer == null ? 0 : 1

  service_account_id = google_service_account.service.name
  role               = "roles/iam.serviceAccountUser"
  member             = "serviceAccount:${google_service_account.deploy[0].email}"
}

resource "google_artifact_registry_repository_iam_member" "deploy" {
  count = var.deployer == null ? 0 : 1

  location   = var.registry_location
  repository = var.registry_repository
  role       = "roles/artifactregistry.reader"
  member     = "serviceAccount:${google_service_account.deploy[0].email}"
}

# That they exist; their values are read by Cloud Run alone.
resource "google_secret_manager_secret_iam_member" "deploy" {
  for_each = var.deployer == null ? {} : google_secret_manager_secret.this

  secret_id = each.value.id
  role      = "roles/secretmanager.viewer"
  member    = "serviceAccount:${google_service_account.deploy[0].email}"
}

resource "google_project_iam_member" "log" {
  count = var.deployer == null ? 0 : 1

  project = var.project
  role    = "roles/logging.viewer"
  member  = "serviceAccount:${google_service_account.deploy[0].email}"
}
