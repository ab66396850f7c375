terraform {
  required_version = ">= 1.9"

  # In the bucket that bootstrap/ makes, which is named when this is initialised:
  # terraform init -backend-config=bucket=PROJECT-terraform
  backend "gcs" {
    prefix = "application"
  }

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 8.0"
    }
  }
}
