# The database of the runtime and of the functions' own documents.

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
