output "dashboard" {
  description = "Full name of the dashboard."
  value       = google_monitoring_dashboard.this.id
}

output "metrics" {
  description = "The metrics of logs, as alerts and dashboards name them."
  value       = [for metric in values(google_logging_metric.this) : "logging.googleapis.com/user/${metric.name}"]
}
