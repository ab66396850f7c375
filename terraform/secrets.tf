# Secrets that functions read as environment variables. Terraform makes the secret and never sees its value, which
# would be readable in the state; docs/webhooks.md says how a value is added.

locals {
  # The function that reads it, by the variable's name.
  secrets = {
    for variable, function in { TIDEGATE_WEBHOOK_SECRETS = "webhooks" } : variable => function
    if contains(keys(local.functions), function)
  }
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  secret_id = replace(lower(each.key), "_", "-")
  # What is in it is nowhere else.
  deletion_protection = true

  replication {
    auto {}
  }

  depends_on = [google_project_service.this]
}
