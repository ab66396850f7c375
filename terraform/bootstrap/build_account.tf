# The account that builds and deploys: what applying terraform/ needs, and nothing else. The tests hold these roles
# against what the application's plan creates.

locals {
  # Why each is needed. All are at the project, because they are about things that are not there yet.
  roles = {
    "roles/artifactregistry.admin"               = "makes the repository of images, and lets the functions' builds write to it"
    "roles/bigquery.dataOwner"                   = "makes the dataset and tables of archives, and lets Pub/Sub write to them"
    "roles/browser"                              = "reads the project's number"
    "roles/cloudfunctions.developer"             = "deploys functions"
    "roles/cloudscheduler.admin"                 = "makes schedules"
    "roles/cloudtasks.queueAdmin"                = "makes the queue, and lets functions use it"
    "roles/datastore.owner"                      = "makes the database, its indexes and its policies of expiry"
    "roles/iam.serviceAccountAdmin"              = "makes the functions' accounts, and says who may act as them"
    "roles/iam.serviceAccountUser"               = "deploys functions that run as these accounts"
    "roles/logging.configWriter"                 = "makes metrics of logs"
    "roles/logging.logWriter"                    = "writes the log of its own builds"
    "roles/monitoring.alertPolicyEditor"         = "makes alerts"
    "roles/monitoring.dashboardEditor"           = "makes the dashboard"
    "roles/monitoring.notificationChannelEditor" = "makes the channels by which alerts are sent"
    "roles/pubsub.admin"                         = "makes topics, schemas and subscriptions, and says who may use them"
    "roles/run.admin"                            = "says who may call a function, which is asked at the service behind it"
    "roles/secretmanager.admin"                  = "makes secrets, and says who may read them; it could read them itself"
    "roles/serviceusage.serviceUsageAdmin"       = "switches services on"
    "roles/storage.admin"                        = "makes the buckets of sources and archives, and writes state, sources and artifacts"
  }

  # The roles that it may grant at the project, which are those that the application grants there: without this
  # bound, who may grant roles may grant itself all of them.
  granted = [
    "roles/datastore.user",
    "roles/datastore.viewer",
    "roles/logging.logWriter",
    "roles/storage.objectViewer",
  ]
}

resource "google_service_account" "build" {
  account_id   = "tidegate-build"
  display_name = "Builds and deploys the application"

  depends_on = [google_project_service.this]
}

resource "google_project_iam_member" "build" {
  for_each = local.roles

  project = var.project
  role    = each.key
  member  = google_service_account.build.member
}

resource "google_project_iam_member" "grants" {
  project = var.project
  role    = "roles/resourcemanager.projectIamAdmin"
  member  = google_service_account.build.member

  condition {
    title       = "only_what_functions_need"
    description = "Grants and takes away no other roles than the application's own."
    expression  = "api.getAttribute(\"iam.googleapis.com/modifiedGrantsByRole\", []).hasOnly([${join(", ", [for role in local.granted : "\"${role}\""])}])"
  }
}

# To call the gateway it needs a token that says who it is; in a build nobody else could make one.
resource "google_service_account_iam_member" "itself" {
  service_account_id = google_service_account.build.name
  role               = "roles/iam.serviceAccountOpenIdTokenCreator"
  member             = google_service_account.build.member
}

# People deploy as this account rather than with rights of their own, so that what works for one works for all.
resource "google_service_account_iam_member" "deployer" {
  for_each = var.deployers

  service_account_id = google_service_account.build.name
  role               = "roles/iam.serviceAccountTokenCreator"
  member             = each.key
}
