output "topics" {
  description = "The topics' full names, by their name in the topology."
  value       = { for name, topic in module.topic : name => topic.id }

  precondition {
    condition     = length(setsubtract(keys(var.topic_options), local.topics)) == 0
    error_message = "topic_options names a topic that the topology does not have."
  }
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

  # Here, because a variable's own validation cannot look into the topology before Terraform 1.9.
  precondition {
    condition     = length(setsubtract(keys(var.dependency_urls), keys(local.dependencies))) == 0
    error_message = "dependency_urls names a dependency that the topology does not declare."
  }

  precondition {
    condition     = length(setsubtract(keys(var.function_options), keys(local.deployed))) == 0
    error_message = "function_options names a function that the topology does not have."
  }

  precondition {
    condition     = alltrue([for options in values(local.options) : options.min_instances <= coalesce(options.max_instances, var.max_instances)])
    error_message = "function_options keeps more instances of a function than there may be."
  }

  precondition {
    condition     = length(setintersection(keys(var.retired_functions), keys(local.deployed))) == 0
    error_message = "retired_functions names a function that the topology has."
  }

  precondition {
    condition     = length(local.retired) == length(var.retired_functions)
    error_message = "A topic of retired_functions is not in the topology: keep it there for as long as messages wait."
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

  precondition {
    condition     = length(setsubtract(keys(var.secret_versions), keys(google_secret_manager_secret.this))) == 0
    error_message = "secret_versions names a variable that no function reads from a secret: there are ${join(", ", keys(google_secret_manager_secret.this))}."
  }
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
