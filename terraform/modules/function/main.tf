# One function, called by Pub/Sub or by anybody: its source, its identity with what it may do, and its deployment.

locals {
  deployed_name = replace(var.name, "_", "-")

  # An account's id has 6 to 30 characters; beyond that, a digest keeps cut names apart.
  account    = "${var.application}-${local.deployed_name}"
  account_id = length(local.account) >= 6 && length(local.account) <= 30 ? local.account : "${substr(local.account, 0, 21)}-${substr(sha256(local.account), 0, 8)}"
}

resource "google_service_account" "this" {
  project      = var.project
  account_id   = local.account_id
  display_name = "Runs the function ${local.deployed_name} of ${var.application}"
}

# At the project, because Firestore's databases have no policies of their own; the condition holds it to the one.
resource "google_project_iam_member" "firestore" {
  project = var.project
  role    = var.writes ? "roles/datastore.user" : "roles/datastore.viewer"
  member  = google_service_account.this.member

  condition {
    title      = "only_${replace(trim(var.database, "()"), "-", "_")}"
    expression = "resource.name == \"projects/${var.project}/databases/${var.database}\""
  }
}

# On these topics and no other. A topic that is created again has lost its grants, but its id is then unknown
# in the plan, and so the grants are created again too.
resource "google_pubsub_topic_iam_member" "publisher" {
  for_each = var.publishes

  project = var.project
  topic   = each.value
  role    = "roles/pubsub.publisher"
  member  = google_service_account.this.member
}

# An event that is due later is a task that it makes, to be run as another account.
resource "google_cloud_tasks_queue_iam_member" "enqueuer" {
  for_each = toset(var.tasks == null ? [] : ["delays"])

  project  = var.project
  location = var.region
  name     = var.tasks.queue
  role     = "roles/cloudtasks.enqueuer"
  member   = google_service_account.this.member
}

resource "google_service_account_iam_member" "publishing" {
  for_each = toset(var.tasks == null ? [] : ["delays"])

  service_account_id = var.tasks.account.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.this.member
}

resource "google_secret_manager_secret_iam_member" "accessor" {
  for_each = var.secrets

  project   = var.project
  secret_id = each.value.id
  role      = "roles/secretmanager.secretAccessor"
  member    = google_service_account.this.member
}

# Named by its digest: another source is another object, and only then is the function deployed again.
resource "google_storage_bucket_object" "source" {
  bucket = var.sources_bucket
  name   = "${local.deployed_name}/${var.bundle.sha256}.zip"
  source = var.bundle.path

  lifecycle {
    # The earlier source goes when the function no longer refers to it.
    create_before_destroy = true
  }
}

resource "google_cloudfunctions2_function" "this" {
  project  = var.project
  location = var.region
  name     = local.deployed_name

  build_config {
    runtime         = "python312"
    entry_point     = var.name
    service_account = var.build_account
    # Of the application's own, since in the one that is made by default nothing is ever deleted.
    docker_repository = var.repository

    source {
      storage_source {
        bucket = var.sources_bucket
        object = google_storage_bucket_object.source.name
      }
    }
  }

  service_config {
    service_account_email = google_service_account.this.email
    ingress_settings      = var.ingress

    timeout_seconds                  = var.timeout_seconds
    max_instance_request_concurrency = var.concurrency
    min_instance_count               = var.min_instances
    max_instance_count               = var.max_instances
    available_cpu                    = var.cpu
    available_memory                 = var.memory
    direct_vpc_egress                = var.vpc == null ? null : "VPC_EGRESS_${var.vpc.egress}"

    dynamic "direct_vpc_network_interface" {
      for_each = var.vpc == null ? [] : [var.vpc]

      content {
        network    = direct_vpc_network_interface.value.network
        subnetwork = direct_vpc_network_interface.value.subnetwork
        tags       = direct_vpc_network_interface.value.tags
      }
    }

    environment_variables = merge(
      { GOOGLE_CLOUD_PROJECT = var.project, TIDEGATE_DATABASE = var.database },
      { for name, url in var.dependency_urls : "${upper(replace(name, "-", "_"))}_URL" => url },
      var.tasks == null ? {} : { TIDEGATE_TASKS_QUEUE = var.tasks.queue, TIDEGATE_TASKS_ACCOUNT = var.tasks.account.email },
    )

    dynamic "secret_environment_variables" {
      for_each = var.secrets

      content {
        key        = secret_environment_variables.key
        project_id = var.project
        secret     = secret_environment_variables.value.secret
        version    = secret_environment_variables.value.version
      }
    }
  }

  # An instance that may not read its secrets does not start.
  depends_on = [google_secret_manager_secret_iam_member.accessor]
}

# On the service that runs the function, since that is what checks who calls it.
resource "google_cloud_run_service_iam_member" "invoker" {
  for_each = var.invokers

  project  = var.project
  location = var.region
  service  = google_cloudfunctions2_function.this.name
  role     = "roles/run.invoker"
  member   = each.value

  lifecycle {
    # A service that is created again has lost its grants. By the id, which an update leaves as it is.
    replace_triggered_by = [google_cloudfunctions2_function.this.id]
  }
}
