provider "google" {
  project = var.project
  region  = var.region
}

# A person's own credentials belong to a project of Google's, in which Cloud Build would look for the triggers.
provider "google" {
  alias = "billed"

  project               = var.project
  region                = var.region
  user_project_override = true
  billing_project       = var.project
}
