variable "service" {
  description = "Name of the service, as in service.toml"
  type        = string
}

variable "image" {
  description = "Repository of the image, as in service.toml"
  type        = string
}

variable "project" {
  description = "Google Cloud project of everything here"
  type        = string
}

variable "region" {
  description = "Region of everything here"
  type        = string
}

variable "create_registry" {
  description = "false if the Artifact Registry repository exists already, for several services"
  type        = bool
  default     = true
}

variable "ci" {
  description = "CI system whose pipeline gets identities: github, gitlab or none"
  type        = string

  validation {
    condition     = contains(["github", "gitlab", "none"], var.ci)
    error_message = "ci is github, gitlab or none."
  }
}

variable "repository" {
  description = "Repository whose pipeline may deploy: OWNER/NAME on GitHub, the path of the project on GitLab"
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+$", var.repository))
    error_message = "repository is OWNER/NAME; it may contain no wildcard, which would let others deploy."
  }
}

variable "branch" {
  description = "Branch that is deployed"
  type        = string
  default     = "main"
}

variable "previews" {
  description = "Whether jobs of previews, which run for branches before their review, may push images, too"
  type        = bool
  default     = false
}

variable "state_bucket" {
  description = "Bucket of Terraform's state, which plans of pull requests read"
  type        = string
}

variable "untagged_days" {
  description = "Days until an image that no tag and no other image refers to is removed"
  type        = number
  default     = 14
}

variable "environments" {
  description = "Environments by their names in deploy/inventory.yaml"
  type = map(object({
    cidr     = string
    public   = optional(bool, true) # false: the service is reachable inside the network only
    secrets  = optional(set(string), ["DATABASE_URL"<< ', "ACCOUNTS_KEY"' if cookiecutter.auth == "accounts" >>])
    log_days = optional(number, 90)
    database = optional(object({
      version  = optional(string, "17")
      tier     = optional(string, "db-custom-1-3840")
      storage  = optional(number, 20)
      regional = optional(bool, false)
      backups  = optional(number, 14)
    }), {})
  }))

  validation {
    condition     = alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9-]{0,19}$", name))])
    error_message = "The name of an environment has at most 20 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for given in var.environments : given.database.backups >= 7])
    error_message = "database.backups is at least 7, one a day."
  }
}

variable "database_passwords" {
  description = "Password of each environment's database, needed when it is created or database_password_version rises"
  type        = map(string)
  default     = {}
  sensitive   = true # for write-only arguments: the state does not contain it
}

variable "database_password_version" {
  description = "Raise it to set the passwords again"
  type        = number
  default     = 1
}
