variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "region" {
  description = "Region of the function."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-west1."
  }
}

variable "application" {
  description = "The application's name, for the function's service account."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.application))
    error_message = "application must be the topology's: 3 to 30 lower-case letters, digits and hyphens."
  }
}

variable "name" {
  description = "The function's name in the topology; its entry point bears the same."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", var.name)) && length(var.name) <= 63
    error_message = "name must be words of lower-case letters and digits, joined by underscores, of 63 characters at most."
  }
}

variable "database" {
  description = "Id of the Firestore database."
  type        = string

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.database))
    error_message = "database must be (default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "max_instances" {
  description = "Instances that it may grow to."
  type        = number

  validation {
    condition     = var.max_instances >= 1 && floor(var.max_instances) == var.max_instances
    error_message = "max_instances must be a whole number from 1 on."
  }
}

variable "min_instances" {
  description = "Instances that are kept when nobody calls, which is paid for; they spare the first caller a start."
  type        = number

  validation {
    condition     = var.min_instances >= 0 && floor(var.min_instances) == var.min_instances
    error_message = "min_instances must be a whole number from 0 on."
  }
}

variable "cpu" {
  description = "Processors of an instance. With less than one it may take only one request at a time."
  type        = string

  validation {
    condition     = contains(["1", "2", "4", "6", "8"], var.cpu)
    error_message = "cpu must be 1, 2, 4, 6 or 8."
  }
}

variable "memory" {
  description = "Memory of an instance, such as 512Mi or 2Gi. More than 4Gi needs 2 processors, more than 8Gi 4."
  type        = string

  validation {
    condition     = can(regex("^[1-9][0-9]*(Mi|Gi)$", var.memory))
    error_message = "memory must be a whole number of Mi or Gi, such as 512Mi."
  }
}

variable "vpc" {
  description = "The network and subnetwork that it reaches, with the network tags that firewalls know it by, and whether all that leaves it goes there (ALL_TRAFFIC) or only what is for private addresses (PRIVATE_RANGES_ONLY). Null: none."
  type        = object({ network = string, subnetwork = string, egress = string, tags = list(string) })

  validation {
    condition     = var.vpc == null ? true : contains(["ALL_TRAFFIC", "PRIVATE_RANGES_ONLY"], var.vpc.egress)
    error_message = "The egress of a vpc must be ALL_TRAFFIC or PRIVATE_RANGES_ONLY."
  }
}

variable "repository" {
  description = "Full name of the repository of images that it is built into."
  type        = string

  validation {
    condition     = length(var.repository) > 0
    error_message = "repository must be a repository's full name."
  }
}

variable "bundle" {
  description = "Its zip, and the SHA-256 of it; null where nothing has been bundled."
  type        = object({ path = string, sha256 = string })

  validation {
    condition     = var.bundle != null
    error_message = "The manifest of bundles lacks a function of the topology: run `make bundle` first."
  }

  validation {
    condition     = var.bundle == null ? true : try(filesha256(var.bundle.path) == var.bundle.sha256, false)
    error_message = "A bundle is not what its manifest says: run `make bundle` again."
  }
}

variable "sources_bucket" {
  description = "Name of the bucket for its zip."
  type        = string

  validation {
    condition     = length(var.sources_bucket) >= 3
    error_message = "sources_bucket must be a bucket's name."
  }
}

variable "build_account" {
  description = "Full name of the service account that builds it."
  type        = string

  validation {
    condition     = length(var.build_account) > 0
    error_message = "build_account must be a service account's full name."
  }
}

variable "concurrency" {
  description = "Requests at the same time, per instance."
  type        = number

  validation {
    condition     = var.concurrency >= 1 && var.concurrency <= 1000
    error_message = "concurrency must be from 1 to 1000."
  }
}

variable "timeout_seconds" {
  description = "How long the platform lets a request take; longer than the runtime does, which then still answers."
  type        = number

  validation {
    condition     = var.timeout_seconds >= 1 && var.timeout_seconds <= 3600 && floor(var.timeout_seconds) == var.timeout_seconds
    error_message = "timeout_seconds must be a whole number from 1 to 3600."
  }
}

variable "dependency_urls" {
  description = "Addresses that replace those of its dependencies in the topology, by the dependency's name."
  type        = map(string)

  validation {
    condition     = alltrue([for url in values(var.dependency_urls) : can(regex("^https?://", url))])
    error_message = "dependency_urls must begin with http:// or https://."
  }
}

variable "ingress" {
  description = "Where requests may come from, before it is asked who sends them."
  type        = string

  validation {
    condition     = contains(["ALLOW_ALL", "ALLOW_INTERNAL_ONLY"], var.ingress)
    error_message = "ingress must be ALLOW_ALL or ALLOW_INTERNAL_ONLY."
  }
}

variable "invokers" {
  description = "IAM members that may call it, by any name."
  type        = map(string)

  validation {
    condition     = alltrue([for member in values(var.invokers) : length(member) > 0 && member != "allAuthenticatedUsers"])
    error_message = "invokers must be IAM members; whoever may not be everybody is not everybody with an account either."
  }
}

variable "writes" {
  description = "Whether it may write to the database, or only read."
  type        = bool
}

variable "publishes" {
  description = "Full names of the topics that it may publish on, by their name in the topology."
  type        = map(string)

  validation {
    condition     = alltrue([for topic in values(var.publishes) : length(topic) > 0])
    error_message = "publishes must be topics' full names."
  }
}

variable "tasks" {
  description = "For events that are due later: the queue's full name, and the service account that publishes them. Null where it emits none."
  type = object({
    queue   = string
    account = object({ name = string, email = string })
  })

  validation {
    condition     = var.tasks == null ? true : length(var.tasks.queue) > 0 && length(var.tasks.account.name) > 0
    error_message = "tasks must be a queue and a service account."
  }
}

variable "secrets" {
  description = "Secrets that it reads, by their environment variable: full name, short name, and a version's number or latest."
  type        = map(object({ id = string, secret = string, version = string }))

  validation {
    condition     = alltrue([for secret in values(var.secrets) : can(regex("^(latest|[1-9][0-9]*)$", secret.version))])
    error_message = "The version of a secret must be a number, or latest."
  }
}
