output "inventory" {
  value = {
    place            = "cloudrun"
    project          = var.project
    region           = var.region
    repository       = var.image
    service          = google_cloud_run_v2_service.this.name
    service_account  = google_service_account.service.email
    public           = var.public
    ingress_settings = var.public ? "all" : "internal"
    annotations = {
      "run.googleapis.com/network-interfaces" = jsonencode([{
        network    = google_compute_network.this.name
        subnetwork = google_compute_subnetwork.this.name
      }])
      "run.googleapis.com/vpc-access-egress" = "private-ranges-only"
    }
    secret = {
      store = "google"
      keys  = { for key, secret in google_secret_manager_secret.this : key => "${var.project}/${secret.secret_id}" }
    }
  }
}

output "deployer" {
  value = one(google_service_account.deploy[*].email)
}

output "addresses" {
  value = { service = google_cloud_run_v2_service.this.uri, database = google_sql_database_instance.this.private_ip_address }
}

output "secrets" {
  value = [for secret in google_secret_manager_secret.this : secret.secret_id]
}
