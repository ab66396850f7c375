variable "project" {
  description = "Id of the Google Cloud project that the application is deployed to."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id, such as flight-desk-1: not its name and not its number."
  }
}

variable "region" {
  description = "Region of the state and of what builds leave."
  type        = string

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region, such as europe-west1: not a zone and not a multi-region."
  }
}

variable "deployers" {
  description = "People who may deploy from their own machines, as the build account: IAM members, for example group:desk@example.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.deployers : can(regex("^(user|serviceAccount|group|principal|principalSet):.+$", member))])
    error_message = "deployers must be IAM members such as user:me@example.com."
  }
}

variable "artifact_days" {
  description = "After how many days plans and bundles of builds are deleted."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = var.artifact_days >= 1 && floor(var.artifact_days) == var.artifact_days
    error_message = "artifact_days must be a whole number from 1 on."
  }
}

variable "repository" {
  description = "The connected repository whose pushes are built: projects/PROJECT/locations/REGION/connections/NAME/repositories/NAME. Null for no triggers."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^projects/[^/]+/locations/[^/]+/connections/[^/]+/repositories/[^/]+$", var.repository))
    error_message = "repository must be the full name of a repository that is connected to Cloud Build, as gcloud builds repositories list prints it."
  }
}

variable "environment" {
  description = "The environment that pushes are deployed to: a file of terraform/environments."
  type        = string
  default     = "dev"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]*$", var.environment))
    error_message = "environment must be the name of a file in terraform/environments, without .tfvars."
  }
}

variable "approvers" {
  description = "Who may approve a deployment that Cloud Build has planned: IAM members, for example group:leads@example.com."
  type        = set(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.approvers : can(regex("^(user|serviceAccount|group|principal|principalSet):.+$", member))])
    error_message = "approvers must be IAM members such as group:leads@example.com."
  }
}
