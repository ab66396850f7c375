variable "project" {
  description = "Id of the project."
  type        = string
}

variable "function" {
  description = "The name, in the topology, of the function that it pushes to; its own is made of that."
  type        = string
}

variable "topic" {
  description = "Full name of the topic."
  type        = string
}

variable "endpoint" {
  description = "The function's address."
  type        = string
}

variable "ordered" {
  description = "Whether events with the same ordering key are pushed in their order."
  type        = bool
}

variable "backoff" {
  description = "How long it waits before it delivers again, at first and at most."
  type        = object({ min_seconds = number, max_seconds = number })

  validation {
    condition     = var.backoff.min_seconds >= 0 && var.backoff.min_seconds <= var.backoff.max_seconds && var.backoff.max_seconds <= 600
    error_message = "backoff must be from 0 to 600 seconds, and min_seconds no more than max_seconds."
  }
}

variable "ack_deadline_seconds" {
  description = "How long a delivery may take before Pub/Sub delivers again; covers the runtime's lease."
  type        = number

  validation {
    condition     = var.ack_deadline_seconds >= 10 && var.ack_deadline_seconds <= 600
    error_message = "ack_deadline_seconds must be from 10 to 600."
  }
}

variable "retention_days" {
  description = "How long it keeps what is not acked."
  type        = number

  validation {
    condition     = var.retention_days > 0 && var.retention_days <= 31
    error_message = "retention_days must be more than 0 and at most 31."
  }
}

variable "backstop" {
  description = "Where Pub/Sub itself forwards what was delivered too often: the topic's full name. Null: nowhere."
  type        = object({ topic = string, max_deliveries = number })

  validation {
    condition     = var.backstop == null ? true : var.backstop.max_deliveries >= 5 && var.backstop.max_deliveries <= 100
    error_message = "max_deliveries must be from 5 to 100."
  }
}

variable "targeted" {
  description = "Whether events that are meant for another function are left out."
  type        = bool
}

variable "push_account" {
  description = "Email of the service account that Pub/Sub pushes as."
  type        = string
}

variable "pubsub_agent" {
  description = "IAM member of Pub/Sub's service agent."
  type        = string
}

variable "editors" {
  description = "IAM members that may take its push configuration off and put it back, by any name."
  type        = map(string)
}
