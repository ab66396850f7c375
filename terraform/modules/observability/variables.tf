variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "application" {
  description = "The application's name, which its metrics begin with."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,28}[a-z0-9]$", var.application))
    error_message = "application must be the topology's: 3 to 30 lower-case letters, digits and hyphens."
  }
}

variable "job_subscriptions" {
  description = "Names of the subscriptions of what jobs wait for; none where no jobs are followed."
  type        = set(string)

  validation {
    condition     = alltrue([for name in var.job_subscriptions : can(regex("^[a-z][a-z0-9-]*$", name))])
    error_message = "job_subscriptions must be subscriptions' short names."
  }
}

variable "alerts" {
  description = "Who is told, and from when on."
  type = object({
    emails                 = set(string)
    channels               = set(string)
    oldest_unacked_minutes = number
    jobs_stuck_minutes     = number
    error_ratio            = number
    contention_ratio       = number
  })

  validation {
    condition     = min(var.alerts.oldest_unacked_minutes, var.alerts.jobs_stuck_minutes) >= 1
    error_message = "oldest_unacked_minutes and jobs_stuck_minutes must be 1 or more: Pub/Sub measures once a minute."
  }

  validation {
    condition = alltrue([
      for ratio in [var.alerts.error_ratio, var.alerts.contention_ratio] : ratio > 0 && ratio < 1
    ])
    error_message = "error_ratio and contention_ratio must be shares between 0 and 1, such as 0.05."
  }
}
