output "topics" {
  description = "The topics' full names, by their name in the topology."
  value       = { for name, topic in module.topic : name => topic.id }
}

output "ingestion_accounts" {
  description = "The accounts that other platforms have to trust, email and unique id, by the topic that takes messages from there."
  value       = { for name, topic in module.topic : name => topic.ingestion_account if topic.ingestion_account != null }
}

output "functions" {
  description = "The addresses, subscriptions and service accounts of what handles events, by the name in the topology."
  value = {
    for name in keys(local.functions) : name => {
      uri             = module.function[name].uri
      subscription    = module.subscription[name].name
      service_account = module.function[name].member
    }
  }
}

output "http_functions" {
  description = "The addresses and service accounts of what answers HTTP requests, by the name in the topology."
  value = {
    for name in keys(local.http_functions) : name => {
      uri             = module.function[name].uri
      service_account = module.function[name].member
    }
  }
}

output "secrets" {
  description = "The secrets that need a value before their function can be deployed, by its environment variable."
  value       = { for variable, secret in google_secret_manager_secret.this : variable => secret.secret_id }
}

output "tasks_queue" {
  description = "Full name of the queue of events that are due later."
  value       = module.tasks.queue
}

output "database" {
  description = "Id of the Firestore database."
  value       = module.firestore.database
}

output "dashboard" {
  description = "Full name of the dashboard."
  value       = module.observability.dashboard
}

output "metrics" {
  description = "The metrics that are counted from deliveries' log lines."
  value       = module.observability.metrics
}
