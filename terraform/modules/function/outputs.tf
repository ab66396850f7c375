output "member" {
  description = "IAM member that it runs as."
  value       = google_service_account.this.member
}

output "uri" {
  description = "Address that messages are pushed to."
  value       = google_cloudfunctions2_function.this.service_config[0].uri
}

output "subscription" {
  description = "Name of its subscription."
  value       = google_pubsub_subscription.this.name
}
