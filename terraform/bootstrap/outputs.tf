output "state_bucket" {
  description = "Name of the bucket for the application's state: terraform init -backend-config=bucket=…"
  value       = google_storage_bucket.state.name
}

output "artifacts_bucket" {
  description = "Name of the bucket for what builds leave."
  value       = google_storage_bucket.artifacts.name
}

output "build_account" {
  description = "Email of the account that builds and deploys."
  value       = google_service_account.build.email
}
