# A function alone: it is reached by whom it is told to be, and is told what it needs. Only what depends on nothing
# that a deployment makes is checked; tests/terraform checks the rest, and that variables refuse what cannot be.

mock_provider "google" {}

variables {
  project         = "flight-desk"
  region          = "europe-west1"
  application     = "parcels"
  name            = "weigh_parcel"
  database        = "(default)"
  bundle          = { path = "tests/bundle.zip", sha256 = "cd98c950d629c66548537b4ecd68dab3e8cf59974ba6e40df5a1a7354b39db5f" }
  sources_bucket  = "flight-desk-parcels"
  build_account   = "projects/flight-desk/serviceAccounts/build-parcels@flight-desk.iam.gserviceaccount.com"
  repository      = "projects/flight-desk/locations/europe-west1/repositories/parcels"
  concurrency     = 16
  timeout_seconds = 75
  cpu             = "1"
  memory          = "512Mi"
  min_instances   = 0
  max_instances   = 10
  vpc             = null
  dependency_urls = { scales-api = "https://scales.example.com" }
  ingress         = "ALLOW_INTERNAL_ONLY"
  invokers        = { pubsub = "serviceAccount:pubsub-parcels@flight-desk.iam.gserviceaccount.com" }
  writes          = true
  publishes       = { "parcel.lost" = "projects/flight-desk/topics/parcel.lost" }
  tasks           = { queue = "projects/flight-desk/queues/parcels", account = { name = "tasks", email = "tasks@flight-desk" } }
  secrets         = { SCALES_KEY = { id = "projects/flight-desk/secrets/scales-key", secret = "scales-key", version = "2" } }
}

run "it_is_built_called_and_told" {
  command = plan

  module {
    source = "./modules/function"
  }

  assert {
    condition = (
      google_storage_bucket_object.source.name == "weigh-parcel/${var.bundle.sha256}.zip" &&
      google_cloudfunctions2_function.this.build_config[0].source[0].storage_source[0].object == google_storage_bucket_object.source.name
    )
    error_message = "It is not built from the source that is named by its digest."
  }

  assert {
    condition = (
      google_cloud_run_service_iam_member.invoker["pubsub"].service == google_cloudfunctions2_function.this.name &&
      google_cloud_run_service_iam_member.invoker["pubsub"].member == var.invokers["pubsub"]
    )
    error_message = "It is not called by who may."
  }

  assert {
    condition = google_cloudfunctions2_function.this.service_config[0].environment_variables == tomap({
      GOOGLE_CLOUD_PROJECT   = "flight-desk"
      TIDEGATE_DATABASE      = "(default)"
      TIDEGATE_TASKS_QUEUE   = var.tasks.queue
      TIDEGATE_TASKS_ACCOUNT = var.tasks.account.email
      SCALES_API_URL         = "https://scales.example.com"
    })
    error_message = "It is not told where everything is."
  }

  assert {
    condition = (
      one(google_cloudfunctions2_function.this.service_config[0].secret_environment_variables).version == "2" &&
      google_secret_manager_secret_iam_member.accessor["SCALES_KEY"].secret_id == var.secrets["SCALES_KEY"].id
    )
    error_message = "It does not read that version of its secret."
  }

  assert {
    condition     = google_pubsub_topic_iam_member.publisher["parcel.lost"].topic == var.publishes["parcel.lost"]
    error_message = "It may not publish on its topic."
  }

  assert {
    condition     = google_service_account_iam_member.publishing["delays"].service_account_id == var.tasks.account.name
    error_message = "It may not let events be published later."
  }
}
