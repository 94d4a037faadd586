service = "<<cookiecutter.project_slug>>"
image   = "<<cookiecutter.__image>>"
ci      = "<<cookiecutter.ci>>"

# Required: the subscription and its tenant, the region, the repository whose pipeline may deploy, and the storage
# account of the state, which its plans read.
# subscription  = "00000000-0000-0000-0000-000000000000"
# tenant        = "00000000-0000-0000-0000-000000000000"
# location      = "westeurope"
# repository    = "OWNER/NAME"
# state_account = "/subscriptions/.../storageAccounts/NAME"

environments = {
  staging = {
    cidr = "10.10.0.0/16"
  }
  production = {
    cidr     = "10.20.0.0/16"
    database = { zone_redundant = true, sku = "GP_Standard_D2ds_v5", backup_days = 30 }
  }
}
