# What is watched, alone.

mock_provider "google" {}

variables {
  project           = "flight-desk"
  application       = "parcels"
  job_subscriptions = []
  alerts = {
    emails                 = []
    channels               = []
    oldest_unacked_minutes = 15
    jobs_stuck_minutes     = 10
    error_ratio            = 0.05
    contention_ratio       = 0.05
  }
}

run "values_that_cannot_be" {
  command = plan

  module {
    source = "./modules/observability"
  }

  variables {
    job_subscriptions = ["advance_jobs"]
    alerts = {
      emails                 = []
      channels               = []
      oldest_unacked_minutes = 0
      jobs_stuck_minutes     = 10
      error_ratio            = 5
      contention_ratio       = 0.05
    }
  }

  expect_failures = [var.job_subscriptions, var.alerts]
}
