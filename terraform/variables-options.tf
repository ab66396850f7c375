# What only the cloud needs to know of topics and functions: neither the runtime nor the local stack reads it, and it
# may differ between environments. All of it is by the name in the topology.

variable "topic_options" {
  description = "By topic: how long it keeps messages for replays, where a copy of each goes (bigquery or storage), a schema that Pub/Sub itself enforces (the path of its definition), and the stream of another platform that messages are taken from."
  type = map(object({
    retention_days = optional(number)
    archive        = optional(string)
    schema         = optional(object({ path = string, type = optional(string, "AVRO"), encoding = optional(string, "JSON") }))
    ingestion = optional(object({
      kinesis         = optional(object({ stream_arn = string, consumer_arn = string, aws_role_arn = string }))
      msk             = optional(object({ cluster_arn = string, topic = string, aws_role_arn = string }))
      confluent_cloud = optional(object({ bootstrap_server = string, cluster_id = string, topic = string, identity_pool_id = string }))
      event_hubs = optional(object({
        resource_group  = string
        namespace       = string
        event_hub       = string
        client_id       = string
        tenant_id       = string
        subscription_id = string
      }))
    }))
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for options in values(var.topic_options) : options.archive == null ? true : contains(["bigquery", "storage"], options.archive)])
    error_message = "The archive of a topic must be bigquery or storage."
  }

  validation {
    condition     = alltrue([for options in values(var.topic_options) : options.schema == null ? true : fileexists(options.schema.path)])
    error_message = "The path of a topic's schema must be that of a file; a relative one counts from where terraform runs."
  }

  validation {
    condition     = length(setsubtract(keys(var.topic_options), local.topics)) == 0
    error_message = "topic_options names a topic that the topology does not have."
  }
}

variable "archive_days" {
  description = "After how many days archived messages are deleted. Null: never."
  type        = number
  default     = null

  validation {
    condition     = var.archive_days == null ? true : var.archive_days >= 1 && floor(var.archive_days) == var.archive_days
    error_message = "archive_days must be a whole number from 1 on."
  }
}

variable "function_options" {
  description = "By function of either kind: processors and memory of an instance, how many instances there are at least and at most (null: max_instances), the network that it reaches, and the environment variables that it reads from secrets."
  type = map(object({
    cpu           = optional(string, "1")
    memory        = optional(string, "512Mi")
    min_instances = optional(number, 0)
    max_instances = optional(number)
    vpc = optional(object({
      network    = string
      subnetwork = string
      egress     = optional(string, "PRIVATE_RANGES_ONLY")
      tags       = optional(list(string), [])
    }))
    secrets = optional(set(string), [])
  }))
  default  = {}
  nullable = false

  validation {
    condition     = alltrue(flatten([for options in values(var.function_options) : [for variable in options.secrets : can(regex("^[A-Z][A-Z0-9_]*$", variable))]]))
    error_message = "secrets must be names of environment variables, such as REBOOKING_API_KEY."
  }

  validation {
    condition     = length(setsubtract(keys(var.function_options), concat(keys(local.functions), keys(local.http_functions)))) == 0
    error_message = "function_options names a function that the topology does not have."
  }

  validation {
    condition     = alltrue([for options in values(var.function_options) : options.min_instances <= coalesce(options.max_instances, var.max_instances)])
    error_message = "function_options keeps more instances of a function than there may be."
  }
}

variable "retired_functions" {
  description = "Functions that left the topology while messages waited for them: the topic, and whether they were ordered. Their subscriptions stay and push nothing, so that what waits can be pulled, or pushed once the function is back."
  type        = map(object({ topic = string, ordered = optional(bool, false) }))
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.retired_functions) : can(regex("^[a-z][a-z0-9]*(_[a-z0-9]+)*$", name))])
    error_message = "retired_functions must be named as they were in the topology, such as rebook_passengers."
  }

  validation {
    condition     = length(setintersection(keys(var.retired_functions), concat(keys(local.functions), keys(local.http_functions)))) == 0
    error_message = "retired_functions names a function that the topology has."
  }

  validation {
    condition     = alltrue([for function in values(var.retired_functions) : contains(local.topics, function.topic)])
    error_message = "A topic of retired_functions is not in the topology: keep it there for as long as messages wait."
  }
}

variable "alerts" {
  description = "Who is told, by email or through channels that exist already (their full names), and from when on: the age of the oldest message that waits, the age of the oldest that a job waits for, and the shares of deliveries that fail or that find their event under way already."
  type = object({
    emails                 = optional(set(string), [])
    channels               = optional(set(string), [])
    oldest_unacked_minutes = optional(number, 15)
    jobs_stuck_minutes     = optional(number, 10)
    error_ratio            = optional(number, 0.05)
    contention_ratio       = optional(number, 0.05)
  })
  default  = {}
  nullable = false

  validation {
    condition     = alltrue([for email in var.alerts.emails : can(regex("^[^@ ]+@[^@ ]+$", email))])
    error_message = "emails must be addresses, such as desk@example.com."
  }

  validation {
    condition     = alltrue([for channel in var.alerts.channels : can(regex("^projects/[^/]+/notificationChannels/[0-9]+$", channel))])
    error_message = "channels must be full names: projects/…/notificationChannels/…."
  }
}
