# The pipeline's identity: no key is stored anywhere. Who may do what follows from the subject of its token.

locals {
  issuer = { github = "https://token.actions.githubusercontent.com", gitlab = "https://gitlab.com", none = "" }[var.ci]
  claim  = { github = "repository", gitlab = "project_path", none = "" }[var.ci]

  # A job on the deployed branch; a job of an environment, which GitHub gives out after its approval; a pull request.
  # The subject of GitLab has no environment: there, protected environments alone guard production.
  on_branch = {
    github = "repo:${var.repository}:ref:refs/heads/${var.branch}"
    gitlab = "project_path:${var.repository}:ref_type:branch:ref:${var.branch}"
    none   = ""
  }[var.ci]
  pool = one(google_iam_workload_identity_pool.ci[*].name)

  # A branch on GitLab, whose previews have no subject in common.
  in_preview = (
    var.ci == "github"
    ? "principal://iam.googleapis.com/${coalesce(local.pool, "none")}/subject/repo:${var.repository}:environment:preview"
    : local.planner
  )
  pusher = "principal://iam.googleapis.com/${coalesce(local.pool, "none")}/subject/${local.on_branch}"
  deployers = {
    for name in keys(var.environments) : name => (
      var.ci == "github"
      ? "principal://iam.googleapis.com/${coalesce(local.pool, "none")}/subject/repo:${var.repository}:environment:${name}"
      : local.pusher
    )
  }
  planner = "principalSet://iam.googleapis.com/${coalesce(local.pool, "none")}/attribute.repository/${var.repository}"
}

resource "google_iam_workload_identity_pool" "ci" {
  count = var.ci == "none" ? 0 : 1

  workload_identity_pool_id = "${local.short}-ci"
  display_name              = "Pipeline of ${local.short}"

  depends_on = [google_project_service.api]
}

resource "google_iam_workload_identity_pool_provider" "ci" {
  count = var.ci == "none" ? 0 : 1

  workload_identity_pool_id          = google_iam_workload_identity_pool.ci[0].workload_identity_pool_id
  workload_identity_pool_provider_id = var.ci
  attribute_condition                = "assertion.${local.claim} == \"${var.repository}\""
  attribute_mapping = {
    "google.subject"       = "assertion.sub"
    "attribute.repository" = "assertion.${local.claim}"
  }

  oidc {
    issuer_uri = local.issuer
  }
}

# Pushes the image, and nothing else.
resource "google_service_account" "push" {
  count = var.ci == "none" ? 0 : 1

  account_id   = "${local.short}-push"
  display_name = "Pushes the image of ${var.service}"
}

resource "google_service_account_iam_member" "push" {
  count = var.ci == "none" ? 0 : 1

  service_account_id = google_service_account.push[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = local.pusher
}

resource "google_service_account_iam_member" "preview" {
  count = var.ci != "none" && var.previews ? 1 : 0

  service_account_id = google_service_account.push[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = local.in_preview
}

resource "google_artifact_registry_repository_iam_member" "push" {
  count = var.ci == "none" ? 0 : 1

  location   = local.registry.location
  repository = local.registry.repository
  role       = "roles/artifactregistry.writer"
  member     = "serviceAccount:${google_service_account.push[0].email}"

  depends_on = [google_artifact_registry_repository.service]
}

# Plans pull requests: reads everything but secrets, and changes nothing.
resource "google_service_account" "plan" {
  count = var.ci == "none" ? 0 : 1

  account_id   = "${local.short}-plan"
  display_name = "Plans the infrastructure of ${var.service}"
}

resource "google_service_account_iam_member" "plan" {
  count = var.ci == "none" ? 0 : 1

  service_account_id = google_service_account.plan[0].name
  role               = "roles/iam.workloadIdentityUser"
  member             = local.planner
}

resource "google_project_iam_member" "plan" {
  for_each = var.ci == "none" ? [] : toset(["roles/iam.securityReviewer", "roles/viewer"])

  project = var.project
  role    = each.key
  member  = "serviceAccount:${google_service_account.plan[0].email}"
}

resource "google_storage_bucket_iam_member" "plan" {
  count = var.ci == "none" ? 0 : 1

  bucket = var.state_bucket
  role   = "roles/storage.objectViewer"
  member = "serviceAccount:${google_service_account.plan[0].email}"
}
