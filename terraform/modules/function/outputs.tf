output "member" {
  description = "IAM member that it runs as."
  value       = google_service_account.this.member
}

output "uri" {
  description = "Address that it is called at."
  value       = google_cloudfunctions2_function.this.service_config[0].uri

  # Whoever knows the address may call at once. Until a function may be called and do its work, a push would only
  # count as a delivery.
  depends_on = [
    google_cloud_run_service_iam_member.invoker,
    google_cloud_tasks_queue_iam_member.enqueuer,
    google_project_iam_member.firestore,
    google_pubsub_topic_iam_member.publisher,
    google_service_account_iam_member.publishing,
  ]
}
