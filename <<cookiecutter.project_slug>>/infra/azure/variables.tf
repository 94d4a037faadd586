variable "service" {
  description = "Name of the service, as in service.toml"
  type        = string
}

variable "image" {
  description = "Repository of the image, as in service.toml"
  type        = string
}

variable "subscription" {
  description = "Subscription of everything here"
  type        = string
}

variable "tenant" {
  description = "Tenant of the subscription"
  type        = string
}

variable "location" {
  description = "Region of everything here"
  type        = string
}

variable "create_registry" {
  description = "false if the registry exists already, for several services; then registry_id names it"
  type        = bool
  default     = true
}

variable "registry_id" {
  description = "Resource id of the registry, if it exists already"
  type        = string
  default     = null
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

variable "state_account" {
  description = "Resource id of the storage account of Terraform's state, which plans of pull requests read"
  type        = string
}

variable "environments" {
  description = "Environments by their names in deploy/inventory.yaml"
  type = map(object({
    cidr     = string
    public   = optional(bool, true) # false: the service is reachable inside the network only
    secrets  = optional(set(string), ["DATABASE_URL"<< ', "ACCOUNTS_KEY"' if cookiecutter.auth == "accounts" >>])
    log_days = optional(number, 90)
    database = optional(object({
      version        = optional(string, "17")
      sku            = optional(string, "B_Standard_B1ms")
      storage        = optional(number, 32768)
      zone_redundant = optional(bool, false)
      backup_days    = optional(number, 14)
    }), {})
  }))

  validation {
    condition     = alltrue([for name in keys(var.environments) : can(regex("^[a-z][a-z0-9-]{0,19}$", name))])
    error_message = "The name of an environment has at most 20 lower-case letters, digits and hyphens."
  }

  validation {
    condition     = alltrue([for given in var.environments : given.database.backup_days >= 7])
    error_message = "database.backup_days is at least 7."
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
