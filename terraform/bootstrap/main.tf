# What has to be there before the application can be deployed: a bucket for Terraform's state, one for what builds
# leave, and the account that builds and deploys. An owner of the project applies this once.
#
#     terraform -chdir=terraform/bootstrap init
#     terraform -chdir=terraform/bootstrap apply -var=project=PROJECT -var=region=REGION
#
# Its own state is a local file, which is worth keeping but holds nothing that could not be found again:
#
#     terraform import google_storage_bucket.state PROJECT-terraform
#     terraform import google_storage_bucket.artifacts PROJECT-builds

# What applying this and the application begins with; the application's own services are its own to switch on.
resource "google_project_service" "this" {
  for_each = toset([
    "cloudbuild.googleapis.com",
    "cloudresourcemanager.googleapis.com",
    "iam.googleapis.com",
    "iamcredentials.googleapis.com",
    "serviceusage.googleapis.com",
    "storage.googleapis.com",
  ])

  service            = each.key
  disable_on_destroy = false
}

resource "google_storage_bucket" "state" {
  name                        = "${var.project}-terraform"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  # A state that was spoilt is mended from the one before.
  versioning {
    enabled = true
  }

  lifecycle_rule {
    condition {
      num_newer_versions         = 20
      days_since_noncurrent_time = 90
    }
    action {
      type = "Delete"
    }
  }

  lifecycle {
    # Without the state nobody knows what is whose.
    prevent_destroy = true
  }

  depends_on = [google_project_service.this]
}

resource "google_storage_bucket" "artifacts" {
  name                        = "${var.project}-builds"
  location                    = var.region
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"

  lifecycle_rule {
    condition {
      age = var.artifact_days
    }
    action {
      type = "Delete"
    }
  }

  depends_on = [google_project_service.this]
}
