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
  description = "Deliveries at the same time, per instance."
  type        = number
}

variable "ack_deadline_seconds" {
  description = "How long a delivery may take before Pub/Sub delivers again; covers the runtime's lease."
  type        = number
}

variable "dependency_urls" {
  description = "Addresses that replace those of its dependencies in the topology, by the dependency's name."
  type        = map(string)
}

variable "publishes" {
  description = "Full names of the topics that it may publish on, by their name in the topology."
  type        = map(string)
}

variable "subscription" {
  description = "What it subscribes to and how."
  type = object({
    topic             = string
    ordered           = bool
    backoff           = object({ min_seconds = number, max_seconds = number })
    retention_days    = number
    max_deliveries    = number
    dead_letter_topic = string
    backstop          = bool
    targeted          = bool
  })
}

variable "push_account" {
  description = "Email of the service account that Pub/Sub pushes as."
  type        = string
}

variable "pubsub_agent" {
  description = "IAM member of Pub/Sub's service agent."
  type        = string
}
