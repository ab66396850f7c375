output "topics" {
  description = "The topics' full names, by their name in the topology."
  value       = { for name, topic in module.topic : name => topic.id }
}

output "functions" {
  description = "The functions' addresses, subscriptions and service accounts, by their name in the topology."
  value = {
    for name, function in module.function : name => {
      uri             = function.uri
      subscription    = function.subscription
      service_account = function.member
    }
  }

  # Here, because a variable's own validation cannot look into the topology before Terraform 1.9.
  precondition {
    condition     = length(setsubtract(keys(var.dependency_urls), keys(local.dependencies))) == 0
    error_message = "dependency_urls names a dependency that the topology does not declare."
  }
}

output "database" {
  description = "Id of the Firestore database."
  value       = module.firestore.database
}
