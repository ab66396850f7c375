variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Region of the function."
  type        = string
}

variable "application" {
  description = "The application's name, for the function's service account."
  type        = string
}

variable "name" {
  description = "The function's name in the topology; its entry point bears the same."
  type        = string
}

variable "database" {
  description = "Id of the Firestore database."
  type        = string
}

variable "max_instances" {
  description = "Instances that it may grow to."
  type        = number
}

variable "bundle" {
  description = "Its zip, and the SHA-256 of it; null where nothing has been bundled."
  type        = object({ path = string, sha256 = string })

  validation {
    condition     = var.bundle != null
    error_message = "The manifest of bundles lacks a function of the topology: run `make bundle` first."
  }
}

variable "sources_bucket" {
  description = "Name of the bucket for its zip."
  type        = string
}

variable "build_account" {
  description = "Full name of the service account that builds it."
  type        = string
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
}

variable "writes" {
  description = "Whether it may write to the database, or only read."
  type        = bool
}

variable "publishes" {
  description = "Full names of the topics that it may publish on, by their name in the topology."
  type        = map(string)
}

variable "tasks" {
  description = "For events that are due later: the queue's full name, and the service account that publishes them. Null where it emits none."
  type = object({
    queue   = string
    account = object({ name = string, email = string })
  })
}

variable "secrets" {
  description = "Secrets that it reads, by their environment variable: full name, short name, and a version's number or latest."
  type        = map(object({ id = string, secret = string, version = string }))
}
