# The two builds of docs/deploy.md, at each push to main. A repository is connected by hand, since its owner has to
# agree: https://cloud.google.com/build/docs/repositories. Until it is named, there are no triggers.

locals {
  builds = {
    tidegate-plan   = { filename = "cloudbuild.yaml", approved = false }
    tidegate-deploy = { filename = "cloudbuild.deploy.yaml", approved = true }
  }
}

resource "google_cloudbuild_trigger" "this" {
  provider = google.billed
  for_each = { for name, build in local.builds : name => build if var.repository != null }

  name            = each.key
  location        = var.region
  filename        = each.value.filename
  service_account = google_service_account.build.id

  repository_event_config {
    repository = var.repository
    push {
      branch = "^main$"
    }
  }

  approval_config {
    approval_required = each.value.approved
  }

  substitutions = {
    _REGION      = var.region
    _ENVIRONMENT = var.environment
  }

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "approver" {
  for_each = var.approvers

  project = var.project
  role    = "roles/cloudbuild.builds.approver"
  member  = each.key
}
