variable "project" {
  description = "Id of the Google Cloud project that the application is deployed to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id, such as flight-desk-1: not its name and not its number."
  }
}

variable "region" {
  description = "Region of the functions and their sources."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-west1: not a zone and not a multi-region."
  }
}

variable "topology" {
  description = "Path of the topology: what runs, on which topic, within which limits."
  type        = string
  default     = "../infra/topology.yaml"
  nullable    = false

  validation {
    condition     = can(yamldecode(file(var.topology)).functions)
    error_message = "topology must be the path of a YAML file with functions; a relative one counts from where terraform runs."
  }
}

variable "bundles_manifest" {
  description = "Path of the manifest that `make bundle` writes beside the functions' zips."
  type        = string
  default     = "../build/bundles/manifest.json"
  nullable    = false

  validation {
    condition     = can(jsondecode(file(var.bundles_manifest)))
    error_message = "bundles_manifest must be the path of a manifest: run `make bundle` first."
  }
}

variable "database" {
  description = "Id of the Firestore database."
  type        = string
  default     = "(default)"
  nullable    = false

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.database))
    error_message = "database must be (default), or 4 to 63 lower-case letters, digits and hyphens that begin with a letter."
  }
}

variable "firestore_location" {
  description = "Region or multi-region (nam5, eur3) of the database; can never be changed. Null: the functions' region."
  type        = string
  default     = null

  validation {
    condition     = var.firestore_location == null || can(regex("^([a-z]+-[a-z]+[0-9]+|nam[0-9]+|eur[0-9]+)$", var.firestore_location))
    error_message = "firestore_location must be a region such as europe-west1, or a multi-region such as eur3."
  }
}

variable "dependency_urls" {
  description = "Addresses of dependencies, by their name in the topology, where they differ from the topology's."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for url in values(var.dependency_urls) : can(regex("^https?://", url))])
    error_message = "dependency_urls must be addresses that begin with http:// or https://."
  }

  validation {
    condition     = length(setsubtract(keys(var.dependency_urls), keys(local.dependencies))) == 0
    error_message = "dependency_urls names a dependency that the topology does not declare."
  }
}

variable "max_instances" {
  description = "Instances that one function may grow to; with its concurrency the bound on what runs at the same time."
  type        = number
  default     = 10
  nullable    = false

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances must be a whole number from 1 on."
  }
}

variable "gateway_invokers" {
  description = "Who may call HTTP functions whose access is iam, such as the gateway, beside the account that deploys: IAM members, for example group:desk@example.com."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition = alltrue([
      for member in var.gateway_invokers :
      can(regex("^(user|serviceAccount|group|domain|principal|principalSet):.+$", member))
    ])
    error_message = "gateway_invokers must be IAM members such as user:me@example.com; where everybody may call, the topology says access: public or api_keys."
  }
}

variable "delayed_delivery" {
  description = "How fast events are published when they are due (the rest waits), and how long it waits after a failure."
  type = object({
    max_per_second      = optional(number, 500)
    max_concurrent      = optional(number, 1000)
    min_backoff_seconds = optional(number, 1)
    max_backoff_seconds = optional(number, 300)
    max_doublings       = optional(number, 9)
  })
  default  = {}
  nullable = false

  validation {
    condition     = var.delayed_delivery.max_per_second > 0 && var.delayed_delivery.max_per_second <= 500
    error_message = "max_per_second must be more than 0 and at most 500, which is all that one queue takes."
  }

  validation {
    condition = (
      var.delayed_delivery.max_concurrent >= 1 && var.delayed_delivery.max_concurrent <= 5000 &&
      floor(var.delayed_delivery.max_concurrent) == var.delayed_delivery.max_concurrent
    )
    error_message = "max_concurrent must be a whole number from 1 to 5000."
  }

  validation {
    condition = (
      var.delayed_delivery.min_backoff_seconds > 0 &&
      var.delayed_delivery.min_backoff_seconds <= var.delayed_delivery.max_backoff_seconds &&
      var.delayed_delivery.max_backoff_seconds <= 3600
    )
    error_message = "min_backoff_seconds must be more than 0 and no more than max_backoff_seconds, and that at most 3600."
  }

  validation {
    condition     = var.delayed_delivery.max_doublings >= 0 && floor(var.delayed_delivery.max_doublings) == var.delayed_delivery.max_doublings
    error_message = "max_doublings must be a whole number from 0 on."
  }
}

variable "secret_versions" {
  description = "Versions of secrets, by their environment variable, such as { TIDEGATE_WEBHOOK_SECRETS = \"2\" }. Latest by default, which running instances do not notice: name a number, and they are replaced."
  type        = map(string)
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for version in values(var.secret_versions) : can(regex("^(latest|[1-9][0-9]*)$", version))])
    error_message = "secret_versions must be numbers, or latest."
  }

  validation {
    condition     = length(setsubtract(keys(var.secret_versions), flatten([for variables in values(local.secrets) : tolist(variables)]))) == 0
    error_message = "secret_versions names a variable that no function reads from a secret."
  }
}
