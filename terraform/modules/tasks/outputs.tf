output "queue" {
  description = "Full name of the queue."
  value       = google_cloud_tasks_queue.this.id
}

output "account" {
  description = "The service account that publishes: its full name, and its email."
  value = {
    name  = google_service_account.this.name
    email = google_service_account.this.email
  }

  # Whoever may let events wait may rely on their being published.
  depends_on = [google_pubsub_topic_iam_member.publisher]
}
