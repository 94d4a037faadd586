service = "<<cookiecutter.project_slug>>"
image   = "<<cookiecutter.__image>>"
account = "<<cookiecutter.registry.split(".")[0]>>"
region  = "<<cookiecutter.registry.split(".")[3:4] | join>>"
ci      = "<<cookiecutter.ci>>"

# Required: the repository whose pipeline may deploy, and the state's bucket, which its plans read.
# repository   = "OWNER/NAME"
# state_bucket = "NAME"

environments = {
  staging = {
    cidr = "10.10.0.0/16"
    # Required: the public name, a CNAME of the load balancer, and its certificate (ACM, in the same region).
    # domain      = "staging.example.com"
    # certificate = "arn:aws:acm:..."
  }
  production = {
    cidr = "10.20.0.0/16"
    # domain      = "example.com"
    # certificate = "arn:aws:acm:..."
    database = { multi_az = true, backup_days = 30 }
  }
}
