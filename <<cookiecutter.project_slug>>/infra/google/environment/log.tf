# The log of this service, kept apart from those of the project, and as long as you say.
resource "google_logging_project_bucket_config" "service" {
  project        = var.project
  location       = var.region
  bucket_id      = local.name
  retention_days = var.log_days
}

resource "google_logging_project_sink" "service" {
  name                   = local.name
  destination            = "logging.googleapis.com/${google_logging_project_bucket_config.service.id}"
  filter                 = "resource.type = (\"cloud_run_revision\" OR \"cloud_run_job\") AND resource.labels.location = \"${var.region}\" AND (resource.labels.service_name = \"${local.brief}\" OR resource.labels.job_name =~ \"^${local.brief}-\")"
  unique_writer_identity = true
}
