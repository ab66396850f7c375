output "id" {
  description = "The topic's full name."
  value       = google_pubsub_topic.this.id
}

output "ingestion_account" {
  description = "The account that the other side of an ingestion has to trust: its email and unique id. Null where nothing is ingested."
  value       = one([for account in values(google_service_account.ingestion) : { email = account.email, unique_id = account.unique_id }])
}
