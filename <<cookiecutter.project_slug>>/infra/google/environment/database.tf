resource "google_sql_database_instance" "this" {
  name             = local.name
  region           = var.region
  database_version = "POSTGRES_${var.database.version}"

  # Terraform's own refusal, and Google's.
  deletion_protection = true

  settings {
    tier                        = var.database.tier
    edition                     = "ENTERPRISE"
    availability_type           = var.database.regional ? "REGIONAL" : "ZONAL"
    disk_size                   = var.database.storage
    disk_autoresize             = true
    deletion_protection_enabled = true

    ip_configuration {
      ipv4_enabled    = false
      private_network = google_compute_network.this.id
      ssl_mode        = "ENCRYPTED_ONLY"
    }

    backup_configuration {
      enabled                        = true
      point_in_time_recovery_enabled = true

      backup_retention_settings {
        retained_backups = var.database.backups
      }
    }

    insights_config {
      query_insights_enabled = true
    }
  }

  depends_on = [google_service_networking_connection.database]
}

resource "google_sql_database" "this" {
  name            = replace(var.service, "-", "_")
  instance        = google_sql_database_instance.this.name
  deletion_policy = "ABANDON"
}

resource "google_sql_user" "service" {
  name                = "service"
  instance            = google_sql_database_instance.this.name
  password_wo         = var.database_password
  password_wo_version = var.database_password_version
  deletion_policy     = "ABANDON"
}
