# Secrets that functions read as environment variables. Terraform makes the secret and never sees its value, which
# would be readable in the state; docs/webhooks.md says how a value is added.

locals {
  # What the project's own functions read; others say so in function_options.
  known_secrets = { webhooks = ["TIDEGATE_WEBHOOK_SECRETS"] }

  # The variables that each function reads.
  secrets = {
    for name in concat(keys(local.functions), keys(local.http_functions)) : name =>
    toset(concat(lookup(local.known_secrets, name, []), tolist(try(var.function_options[name].secrets, []))))
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = toset(flatten([for variables in values(local.secrets) : tolist(variables)]))

  secret_id = replace(lower(each.key), "_", "-")
  # What is in it is nowhere else.
  deletion_protection = true

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}
