# What is indexed, and what is forgotten. Firestore indexes every field unless it is told not to, and that is paid
# with every write; neighbouring values of an indexed timestamp also bound a collection to some 500 writes a second.

locals {
  # The runtime's own collections, at whatever depth, whose documents say when they may go.
  expiring = toset([
    "ledger", "ledger_pieces", "lanes",
    "jobs", "job_nodes", "job_failures", "job_compensations", "job_marks", "job_callbacks",
  ])

  # What is asked of them besides single documents and all of a collection, which need no index.
  runtime_queries = {
    job_compensations = { indexed = { registered_at = "DESCENDING" }, composites = {} }    # which one is next
    job_nodes         = { indexed = {}, composites = { progress = ["units", "settled"] } } # the sums over both at once

    # How much of a topic is under way; by day, since neighbouring timestamps would be a bound of their own.
    jobs = { indexed = {}, composites = { unsettled = ["topic", "state", "accepted_day"] } }
  }

  # A dead letter's payload lies in pieces of up to 900 kB.
  unindexed = setunion(local.expiring, ["payload"], keys(var.queries))

  queries = merge(local.runtime_queries, var.queries)

  indexed = merge([
    for collection, query in local.queries : {
      for field, order in query.indexed : "${collection}.${field}" => { collection = collection, field = field, order = order }
    }
  ]...)

  composites = merge([
    for collection, query in local.queries : {
      for name, fields in query.composites : "${collection}.${name}" => { collection = collection, fields = fields }
    }
  ]...)
}

resource "google_firestore_field" "expiry" {
  for_each = local.expiring

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "expire_at"

  ttl_config {}
  index_config {}
}

# All fields but those that are named otherwise.
resource "google_firestore_field" "unindexed" {
  for_each = local.unindexed

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "*"

  index_config {}
}

resource "google_firestore_field" "indexed" {
  for_each = local.indexed

  project    = var.project
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = each.value.field

  index_config {
    indexes {
      order       = each.value.order
      query_scope = "COLLECTION"
    }
  }
}

# The emulator answers without them, Firestore does not.
resource "google_firestore_index" "this" {
  for_each = local.composites

  project     = var.project
  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = "COLLECTION"

  dynamic "fields" {
    for_each = each.value.fields

    content {
      field_path = fields.value
      order      = "ASCENDING"
    }
  }
}
