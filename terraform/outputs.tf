output "topics" {
  description = "The topics' full names, by their name in the topology."
  value       = { for name, topic in module.topic : name => topic.id }
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
    condition     = length(setsubtract(keys(var.secret_versions), keys(local.secrets))) == 0
    error_message = "secret_versions names a variable that no function reads from a secret: there are ${join(", ", keys(local.secrets))}."
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
