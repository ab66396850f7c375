# The application of infra/topology.yaml on Google Cloud: here what all of it shares, its functions in functions.tf.
#
# A project is one environment. bootstrap/ makes it ready, once; environments/ holds what differs between them:
#
#     terraform init -backend-config=bucket=PROJECT-terraform
#     terraform plan -var=project=PROJECT -var=region=REGION -var-file=environments/prod.tfvars
#
# What holds data is not destroyed: the database, archives, the queue of delayed events, and every subscription with
# what waits in it. So a plan fails where a function has left the topology, until somebody has decided what becomes of
# its messages:
#
# - They are still wanted: name the function in retired_functions. Its subscription stays and pushes nothing; pull what
#   waits, or put the function back into the topology, and it is pushed to again.
# - They are done with, or there are none (drain the function before it is removed): delete the subscription with
#   `gcloud pubsub subscriptions delete`, and plan again. What is gone from the project needs no destroying.
#
# An archive or the database is given up the same way: by hand, on purpose, and then out of the configuration.

# Read through the Cloud Resource Manager API, which has to be on before the first plan.
data "google_project" "this" {}

locals {
  # Pub/Sub's service agent. Without the grants it gets here and in the subscription module, dead-letter policies
  # and authenticated pushes are accepted and silently do nothing.
  pubsub_agent = "serviceAccount:service-${data.google_project.this.number}@gcp-sa-pubsub.iam.gserviceaccount.com"

  # An account's id has at most 30 characters and ends in none but a letter or digit.
  account_suffix = trimsuffix(substr(local.application, 0, 23), "-")
}

resource "google_project_service" "this" {
  for_each = toset([
    "artifactregistry.googleapis.com",
    "bigquery.googleapis.com",
    "cloudbuild.googleapis.com",
    "cloudfunctions.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "cloudscheduler.googleapis.com",
    "cloudtasks.googleapis.com",
    "firestore.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "logging.googleapis.com",
    "monitoring.googleapis.com",
    "pubsub.googleapis.com",
    "run.googleapis.com",
    "secretmanager.googleapis.com",
    "storage.googleapis.com",
  ])

  service            = each.key
  disable_on_destroy = false # something else in the project may need it as well
}

# No suffix to its name: with one, the longest project and application would exceed what a bucket may be called.
resource "google_storage_bucket" "sources" {
  name                        = "${var.project}-${local.application}"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # A source that was replaced stays for a while, for who has to go back.
  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]
}

# Builds run as an account of their own: the project's default one either may do everything or, in newer
# projects, nothing at all.
resource "google_service_account" "build" {
  account_id   = "build-${local.account_suffix}"
  display_name = "Builds the functions of ${local.application}"

  depends_on = [google_project_service.this]
}

# At the project, because logs have no policies of their own, and because Cloud Functions copies each source into a
# bucket that it makes itself.
resource "google_project_iam_member" "build" {
  for_each = toset(["roles/logging.logWriter", "roles/storage.objectViewer"])

  project = var.project
  role    = each.key
  member  = google_service_account.build.member
}

# What builds leave behind: without a policy every image of every function is kept, and paid for.
resource "google_artifact_registry_repository" "functions" {
  location      = var.region
  repository_id = local.application
  description   = "Images of the functions of ${local.application}"
  format        = "DOCKER"

  # To keep is stronger than to delete. A service that runs has its image in any case.
  cleanup_policies {
    id     = "latest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 5
    }
  }

  cleanup_policies {
    id     = "old"
    action = "DELETE"

    condition {
      older_than = "2592000s"
    }
  }

  depends_on = [google_project_service.this]
}

resource "google_artifact_registry_repository_iam_member" "build" {
  location   = google_artifact_registry_repository.functions.location
  repository = google_artifact_registry_repository.functions.name
  role       = "roles/artifactregistry.writer"
  member     = google_service_account.build.member
}

# Who calls the functions. Pub/Sub signs its pushes as this account, and may do so for this one only.
resource "google_service_account" "push" {
  account_id   = "pubsub-${local.account_suffix}"
  display_name = "Pushes messages to the functions of ${local.application}"

  depends_on = [google_project_service.this]
}

resource "google_service_account_iam_member" "push_token" {
  service_account_id = google_service_account.push.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = local.pubsub_agent
}

module "topic" {
  source   = "./modules/topic"
  for_each = local.topics

  project = var.project
  name    = each.key
  # For the backstop: what never reaches the runtime is forwarded by Pub/Sub itself.
  publishers   = each.key == local.dead_letter_topic ? { pubsub = local.pubsub_agent } : {}
  pubsub_agent = local.pubsub_agent

  retention_days = try(var.topic_options[each.key].retention_days, null)
  schema         = try(local.schemas[each.key], null)
  archive        = try(local.archives[each.key], null)
  ingestion      = try(var.topic_options[each.key].ingestion, null)

  depends_on = [google_project_service.this]
}

module "firestore" {
  source = "./modules/firestore"

  project  = var.project
  database = var.database
  location = coalesce(var.firestore_location, var.region)
  queries  = local.queries

  depends_on = [google_project_service.this]
}

module "tasks" {
  source = "./modules/tasks"

  project    = var.project
  region     = var.region
  name       = "${local.application}-delayed"
  account_id = "tasks-${local.account_suffix}"
  publishes  = { for topic in local.emitted : topic => module.topic[topic].id }
  delivery   = var.delayed_delivery

  depends_on = [google_project_service.this]
}

module "schedules" {
  source = "./modules/schedules"

  project   = var.project
  region    = var.region
  schedules = { for name, schedule in local.schedules : name => merge(schedule, { topic = module.topic[schedule.topic].id }) }

  depends_on = [google_project_service.this]
}

module "observability" {
  source = "./modules/observability"

  project     = var.project
  application = local.application
  alerts      = var.alerts
  # What has settled is counted by one function, and what is dead by another.
  job_subscriptions = toset([
    for name, function in local.functions : replace(name, "_", "-")
    if contains(local.topics, local.advanced_topic) && (function.advances_jobs || function.files_dead_letters)
  ])

  depends_on = [google_project_service.this]
}
