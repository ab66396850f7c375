# The database of the ledger and of the handlers' own documents.

terraform {
  required_providers {
    google = {
      source = "hashicorp/google"
    }
  }
}

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

resource "google_firestore_database" "this" {
  project                           = var.project
  name                              = var.database
  location_id                       = var.location
  type                              = "FIRESTORE_NATIVE"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = "DELETE_PROTECTION_ENABLED"

  lifecycle {
    # With the ledger would go the knowledge of what has been done, and every redelivery would do it again.
    prevent_destroy = true
  }
}

# Firestore deletes what has expired. The time itself is not indexed: neighbouring values of an indexed
# timestamp bound the whole collection to some 500 writes a second.
resource "google_firestore_field" "expiry" {
  for_each = toset(["ledger", "ledger_pieces"])

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "expire_at"

  ttl_config {}
  index_config {}
}

# Records are only ever read by their key. An index on any of their fields would be paid with every write.
resource "google_firestore_field" "unindexed" {
  for_each = { ledger = "*", ledger_pieces = "data" }

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = each.value

  index_config {}
}

output "database" {
  description = "Id of the database."
  value       = google_firestore_database.this.name
}
