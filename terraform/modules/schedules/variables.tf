variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "region" {
  description = "Region of the jobs."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-west1."
  }
}

variable "schedules" {
  description = "What is published when, by the schedule's name in the topology: the topic's full name, and its data as JSON."
  type = map(object({
    cron     = string
    timezone = string
    topic    = string
    data     = string
  }))

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : can(jsondecode(schedule.data))])
    error_message = "The data of a schedule must be JSON."
  }

  validation {
    condition     = alltrue([for schedule in values(var.schedules) : length(split(" ", trimspace(replace(schedule.cron, "/\\s+/", " ")))) == 5])
    error_message = "The cron of a schedule must have five fields: minute, hour, day, month, weekday."
  }
}
