variable "project" {
  description = "Id of the project."
  type        = string
}

variable "region" {
  description = "Region of the queue."
  type        = string
}

variable "name" {
  description = "The queue's name. Once deleted, it cannot be used again for days."
  type        = string

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,100}$", var.name))
    error_message = "name must have 1 to 100 letters, digits and hyphens."
  }
}

variable "account_id" {
  description = "Id of the service account that publishes."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.account_id))
    error_message = "account_id must have 6 to 30 lower-case letters, digits and hyphens."
  }
}

variable "publishes" {
  description = "Full names of the topics whose events may be due later, by their name in the topology."
  type        = map(string)
}

variable "delivery" {
  description = "How fast events are published when they are due, and how long it waits after a failure."
  type = object({
    max_per_second      = number
    max_concurrent      = number
    min_backoff_seconds = number
    max_backoff_seconds = number
    max_doublings       = number
  })
}
