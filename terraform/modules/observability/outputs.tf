output "dashboard" {
  description = "Full name of the dashboard."
  value       = google_monitoring_dashboard.this.id
}

output "metrics" {
  description = "The metrics of logs, as alerts and dashboards name them."
  value = [
    for metric in concat(values(google_logging_metric.counter), values(google_logging_metric.distribution)) :
    "logging.googleapis.com/user/${metric.name}"
  ]
}
