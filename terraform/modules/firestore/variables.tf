variable "project" {
  description = "Id of the project."
  type        = string
}

variable "database" {
  description = "Id of the database."
  type        = string
}

variable "location" {
  description = "Region or multi-region; can never be changed."
  type        = string
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
