variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "name" {
  description = "The topic's name, the same as in the topology."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9._-]{2,254}$", var.name)) && !startswith(var.name, "goog")
    error_message = "name must have 3 to 255 lower-case letters, digits, dots, hyphens and underscores, and not begin with goog."
  }
}

variable "publishers" {
  description = "Members other than functions that may publish, by any name."
  type        = map(string)

  validation {
    condition     = alltrue([for member in values(var.publishers) : can(regex("^serviceAccount:", member))])
    error_message = "publishers must be service accounts."
  }
}

variable "pubsub_agent" {
  description = "IAM member of Pub/Sub's service agent, which writes archives and signs in where messages are ingested from."
  type        = string

  validation {
    condition     = can(regex("^serviceAccount:service-", var.pubsub_agent))
    error_message = "pubsub_agent must be serviceAccount:service-…@gcp-sa-pubsub.iam.gserviceaccount.com."
  }
}

variable "retention_days" {
  description = "How long the topic keeps messages, acked or not, so that they can be replayed. Null: not at all."
  type        = number
  default     = null

  validation {
    condition     = var.retention_days == null ? true : var.retention_days >= 1 && var.retention_days <= 31
    error_message = "retention_days of a topic must be from 1 to 31."
  }
}

variable "schema" {
  description = "What Pub/Sub itself refuses all else for: type, definition, and how messages are written. Null: nothing."
  type        = object({ type = string, definition = string, encoding = string })
  default     = null

  validation {
    condition     = var.schema == null ? true : contains(["AVRO", "PROTOCOL_BUFFER"], var.schema.type) && contains(["JSON", "BINARY"], var.schema.encoding)
    error_message = "The schema of a topic must be AVRO or PROTOCOL_BUFFER, and its messages JSON or BINARY."
  }
}

variable "archive" {
  description = "Where a copy of every message goes: to bigquery, with the dataset's id, or to storage, with the bucket's name; and after how many days it may be forgotten. Null: nowhere."
  type        = object({ to = string, dataset = optional(string), bucket = optional(string), days = optional(number) })
  default     = null

  validation {
    condition     = var.archive == null ? true : contains(["bigquery", "storage"], var.archive.to)
    error_message = "The archive of a topic must be bigquery or storage."
  }
}

variable "ingestion" {
  description = "The stream that messages are taken from, of one kind. Null: none."
  type = object({
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
  })
  default = null

  validation {
    condition     = var.ingestion == null ? true : length([for source in values(var.ingestion) : source if source != null]) == 1
    error_message = "The ingestion of a topic must be exactly one of kinesis, msk, confluent_cloud and event_hubs."
  }

  validation {
    condition = alltrue([
      for arn in [try(var.ingestion.kinesis.aws_role_arn, null), try(var.ingestion.msk.aws_role_arn, null)] :
      arn == null ? true : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:role/", arn))
    ])
    error_message = "aws_role_arn must be a role such as arn:aws:iam::123456789012:role/tidegate."
  }
}
