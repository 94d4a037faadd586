# The service reaches the database by private addresses; neither has a public one of its own.

resource "google_compute_network" "this" {
  name                    = local.brief
  auto_create_subnetworks = false
}

resource "google_compute_subnetwork" "this" {
  name                     = local.brief
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.cidr
  private_ip_google_access = true
}

resource "google_compute_global_address" "database" {
  name          = "${local.brief}-database"
  network       = google_compute_network.this.id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "database" {
  network                 = google_compute_network.this.id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.database.name]
}
