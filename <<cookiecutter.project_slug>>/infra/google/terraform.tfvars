service = "<<cookiecutter.project_slug>>"
image   = "<<cookiecutter.__image>>"
project = "<<cookiecutter.registry.split("/")[1:2] | join>>"
region  = "<<cookiecutter.registry.split("-docker.pkg.dev")[0]>>"
ci      = "<<cookiecutter.ci>>"

# Required: the repository whose pipeline may deploy, and the state's bucket, which its plans read.
# repository   = "OWNER/NAME"
# state_bucket = "NAME"

environments = {
  staging = {
    cidr = "10.10.0.0/20"
  }
  production = {
    cidr     = "10.20.0.0/20"
    database = { regional = true, backups = 30 }
  }
}
