# For work that counts.

max_instances = 20

function_options = {
  # A person waits for these two.
  gateway = { min_instances = 1, memory = "1Gi" }
  board   = { min_instances = 1, max_instances = 5 }

  # Each delivery holds a manifest and the flights made of it.
  split_manifest = { memory = "1Gi" }

  # As many as the partner's limits allow for: see dependencies in infra/topology.yaml.
  rebook_passengers = { max_instances = 10 }
}

topic_options = {
  # What was handed in can be handed out again.
  "manifest.received" = { retention_days = 7, archive = "storage" }

  # For the analysts.
  "flight.assessed"  = { archive = "bigquery" }
  "flight.cancelled" = { archive = "bigquery" }
}

archive_days = 400
