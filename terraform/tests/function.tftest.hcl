# A function alone.

mock_provider "google" {}

variables {
  project         = "flight-desk"
  region          = "europe-west1"
  application     = "parcels"
  name            = "weigh_parcel"
  database        = "(default)"
  bundle          = { path = "tests/parcels/bundle.zip", sha256 = "cd98c950d629c66548537b4ecd68dab3e8cf59974ba6e40df5a1a7354b39db5f" }
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
  dependency_urls = {}
  ingress         = "ALLOW_INTERNAL_ONLY"
  invokers        = { pubsub = "serviceAccount:pubsub-parcels@flight-desk.iam.gserviceaccount.com" }
  writes          = true
  publishes       = {}
  tasks           = null
  secrets         = {}
}

run "a_bundle_that_is_not_the_manifests" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    bundle = { path = "versions.tf", sha256 = "cd98c950d629c66548537b4ecd68dab3e8cf59974ba6e40df5a1a7354b39db5f" }
  }

  expect_failures = [google_storage_bucket_object.source]
}

run "values_that_cannot_be" {
  command = plan

  module {
    source = "./modules/function"
  }

  variables {
    name            = "weigh-parcel"
    concurrency     = 2000
    timeout_seconds = 4000
    cpu             = "0.5"
    memory          = "512MB"
    max_instances   = 0
    ingress         = "ALLOW_INTERNAL_AND_GCLB"
    vpc             = { network = "depot", subnetwork = "shelves", egress = "SOME_TRAFFIC", tags = [] }
    invokers        = { anybody = "allAuthenticatedUsers" }
  }

  expect_failures = [
    var.name,
    var.concurrency,
    var.timeout_seconds,
    var.cpu,
    var.memory,
    var.max_instances,
    var.ingress,
    var.vpc,
    var.invokers,
  ]
}
