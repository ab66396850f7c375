variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "region" {
  description = "Region of the queue."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-west1."
  }
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

  validation {
    condition     = alltrue([for topic in values(var.publishes) : length(topic) > 0])
    error_message = "publishes must be topics' full names."
  }
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

  validation {
    condition     = var.delivery.max_per_second > 0 && var.delivery.max_per_second <= 500 && var.delivery.max_concurrent <= 5000 && var.delivery.min_backoff_seconds <= var.delivery.max_backoff_seconds
    error_message = "A queue takes at most 500 tasks a second and 5000 at once, and min_backoff_seconds is no more than max_backoff_seconds."
  }
}
