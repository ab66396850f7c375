variable "project" {
  description = "Id of the project."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project must be a project's id."
  }
}

variable "database" {
  description = "Id of the database."
  type        = string

  validation {
    condition     = can(regex("^(\\(default\\)|[a-z][a-z0-9-]{2,61}[a-z0-9])$", var.database))
    error_message = "database must be (default), or 4 to 63 lower-case letters, digits and hyphens."
  }
}

variable "location" {
  description = "Region or multi-region; can never be changed."
  type        = string

  validation {
    condition     = can(regex("^([a-z]+-[a-z]+[0-9]+|nam[0-9]+|eur[0-9]+)$", var.location))
    error_message = "location must be a region such as europe-west1, or a multi-region such as eur3."
  }
}

variable "queries" {
  description = "By collection, what its queries need: fields with their direction, and lists of fields together, by any name. All else in it is left without an index."
  type = map(object({
    indexed    = optional(map(string), {})
    composites = optional(map(list(string)), {})
  }))

  validation {
    condition     = alltrue(flatten([for each in values(var.queries) : [for order in values(each.indexed) : contains(["ASCENDING", "DESCENDING"], order)]]))
    error_message = "The direction of a field must be ASCENDING or DESCENDING."
  }

  validation {
    condition     = alltrue(flatten([for each in values(var.queries) : [for fields in values(each.composites) : length(fields) > 1]]))
    error_message = "Fields together must be two or more: name a single one under indexed."
  }
}
