# The service itself, which calls nothing of Google: grant here what yours needs.
resource "google_service_account" "service" {
  account_id   = "${local.account}-run"
  display_name = "${var.service} in ${var.environment}"
}

resource "google_cloud_run_v2_service" "this" {
  name                = local.brief
  location            = var.region
  ingress             = var.public ? "INGRESS_TRAFFIC_ALL" : "INGRESS_TRAFFIC_INTERNAL_ONLY"
  deletion_protection = true

  # Clients of the API have no account of Google; the service checks their tokens itself.
  invoker_iam_disabled = var.public

  # Holds the place until the first deploy, whose release has the image, variables and secrets of the service.
  template {
    service_account = google_service_account.service.email

    containers {
      image = "us-docker.pkg.dev/cloudrun/container/hello"
    }

    vpc_access {
      egress = "PRIVATE_RANGES_ONLY"

      network_interfaces {
        network    = google_compute_network.this.name
        subnetwork = google_compute_subnetwork.this.name
      }
    }
  }

  # The toolkit releases: revisions, the traffic between them, and in annotations the lock and the history.
  lifecycle {
    ignore_changes = [annotations, client, client_version, labels, scaling, template, traffic]
  }
}
