# What the application refuses to be asked for. tests/terraform holds what it is asked for against its plan.

mock_provider "google" {}

variables {
  project          = "flight-desk"
  region           = "europe-west1"
  topology         = "tests/parcels/topology.yaml"
  bundles_manifest = "tests/parcels/manifest.json"
}

run "options_of_what_is_not_there" {
  command = plan

  variables {
    dependency_urls   = { till = "https://till.example.com" }
    function_options  = { weigh_parcel = { min_instances = 11 }, weigh_parcels = { memory = "1Gi" } }
    topic_options     = { "parcel.received" = { retention_days = 1 } }
    secret_versions   = { SCALES_KEY = "2" }
    retired_functions = { sort_parcel = { topic = "parcel.lost" } }
  }

  expect_failures = [output.functions, output.secrets, output.topics]
}

run "values_that_cannot_be" {
  command = plan

  variables {
    project           = "Flight Desk"
    region            = "europe-west1-b"
    database          = "Ledger"
    max_instances     = 0
    gateway_invokers  = ["allUsers"]
    delayed_delivery  = { max_per_second = 1000 }
    archive_days      = 0.5
    function_options  = { weigh_parcel = { secrets = ["scales-key"] } }
    topic_options     = { "parcel.sent" = { archive = "tape" } }
    secret_versions   = { SCALES_KEY = "newest" }
    retired_functions = { "sort-parcel" = { topic = "parcel.sent" } }
    alerts            = { emails = ["the depot"] }
    dependency_urls   = { till = "till.example.com" }
  }

  expect_failures = [
    var.project,
    var.region,
    var.database,
    var.max_instances,
    var.gateway_invokers,
    var.delayed_delivery,
    var.archive_days,
    var.function_options,
    var.topic_options,
    var.secret_versions,
    var.retired_functions,
    var.alerts,
    var.dependency_urls,
  ]
}
