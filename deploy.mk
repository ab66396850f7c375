# Deployment of the application to a project. docs/deploy.md explains it; cloudbuild.yaml and cloudbuild.deploy.yaml
# make the same targets. terraform/bootstrap makes the buckets and the account that are named here.

ENVIRONMENT ?= dev
STATE_BUCKET ?= $(PROJECT)-terraform
BUILDS_BUCKET ?= $(PROJECT)-builds
# People deploy as the account that Cloud Build deploys as, so that what works for one works for all.
# Empty where that account is already at work.
ACCOUNT ?= tidegate-build@$(PROJECT).iam.gserviceaccount.com
COMMIT ?= $(shell git rev-parse HEAD)

# Without its advice on which command of its own comes next.
TERRAFORM := TF_IN_AUTOMATION=1 terraform -chdir=terraform
SETTINGS = -lock-timeout=10m -var-file=environments/$(ENVIRONMENT).tfvars \
  -var=project=$(PROJECT) -var=region=$(REGION)
PLANNED = build/plans/$(PROJECT)
PLANS = gs://$(BUILDS_BUCKET)/plans/$(COMMIT)
DEPLOYED = gs://$(STATE_BUCKET)/deployed/contracts.json
# Whatever asks the project does so as that account.
init secrets contracts plan fetch apply url smoke: export GOOGLE_IMPERSONATE_SERVICE_ACCOUNT = $(ACCOUNT)
init secrets contracts plan fetch apply url smoke: export CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT = $(ACCOUNT)

.PHONY: deploy
deploy: contracts plan apply smoke ## Plan, ask, apply and try ENVIRONMENT=dev in PROJECT=… and REGION=…

.PHONY: plan
plan: destination bundle init ## Show and keep what a deployment would change
	@rm -rf $(PLANNED) && mkdir -p $(PLANNED)
	@$(BIN)/tidegate contracts schemas > $(PLANNED)/contracts.json
	@$(TERRAFORM) validate -no-tests
	@$(TERRAFORM) plan -input=false $(SETTINGS) -out=$(CURDIR)/$(PLANNED)/plan.tfplan
	@$(TERRAFORM) show -no-color $(CURDIR)/$(PLANNED)/plan.tfplan > $(PLANNED)/plan.txt
	@cp terraform/.terraform.lock.hcl $(PLANNED)/lock.hcl

# The contracts are kept first: from then on their events may be in flight, whatever becomes of the rest.
.PHONY: apply
apply: destination init ## Show the plan that was kept, ask, and apply exactly that
	@if [ ! -f $(PLANNED)/plan.tfplan ]; then \
	  echo 'There is no plan for $(PROJECT): run make plan with the same variables first' >&2; exit 1; \
	fi
	@$(TERRAFORM) show $(CURDIR)/$(PLANNED)/plan.tfplan
	@if [ '$(APPROVED)' != yes ]; then \
	  if [ ! -t 0 ]; then \
	    echo 'There is nobody to ask: read the plan, then run make apply with APPROVED=yes' >&2; exit 1; \
	  fi; \
	  printf 'Apply this plan to $(PROJECT)? Only yes does: '; read -r answer; \
	  if [ "$$answer" != yes ]; then echo 'Nothing was changed' >&2; exit 1; fi; \
	fi
	@gcloud storage cp $(PLANNED)/contracts.json $(DEPLOYED)
	@$(TERRAFORM) apply -input=false -lock-timeout=10m $(CURDIR)/$(PLANNED)/plan.tfplan \
	  || { echo 'A part may be applied: run make deploy again, which plans what is missing' >&2; exit 1; }
	@rm $(PLANNED)/plan.tfplan

.PHONY: smoke
smoke: destination init $(READY) ## Submit an event to the gateway in PROJECT=…, and wait for its job
	@set -e; url=$$($(GATEWAY)); \
	TIDEGATE_TOKEN=$$(gcloud auth print-identity-token --audiences="$$url"); export TIDEGATE_TOKEN; \
	$(BIN)/tidegate smoke manifest.received infra/smoke.json --url "$$url"

.PHONY: url
url: destination init $(READY) ## Print the gateway's address
	@$(GATEWAY)

GATEWAY = functions=$$($(TERRAFORM) output -json http_functions) && printf '%s' "$$functions" \
  | $(BIN)/python -c 'import json, sys; print(json.load(sys.stdin)["gateway"]["uri"])'

# Whoever cannot tell what is deployed must not go on: only an empty list means that nothing is.
.PHONY: contracts
contracts: destination $(READY) ## Hold the contracts against those that are deployed in PROJECT=…
	@mkdir -p build
	@set -e; found=$$(gcloud storage objects list '$(DEPLOYED)*' --format='value(name)'); \
	if [ -n "$$found" ]; then gcloud storage cp $(DEPLOYED) build/deployed.json; else echo '{}' > build/deployed.json; fi
	@$(BIN)/tidegate contracts check --against build/deployed.json

.PHONY: fetch
fetch: destination ## Fetch the plan that was kept for COMMIT=…, by default the one checked out
	@rm -rf $(PLANNED) && mkdir -p $(PLANNED)
	@gcloud storage cp '$(PLANS)/*' $(PLANNED)/ \
	  || { echo 'There is no plan of commit $(COMMIT): cloudbuild.yaml has to succeed for it first' >&2; exit 1; }
	@cp $(PLANNED)/lock.hcl terraform/.terraform.lock.hcl

.PHONY: bootstrap
bootstrap: DEPLOYERS ?= ["user:$(shell gcloud config get-value account 2>/dev/null)"]
bootstrap: destination ## Once a project: make its buckets, the account that deploys, and for REPOSITORY=… its triggers
	@terraform -chdir=terraform/bootstrap init -input=false
	@terraform -chdir=terraform/bootstrap apply \
	  -var=project=$(PROJECT) -var=region=$(REGION) -var=environment=$(ENVIRONMENT) -var='deployers=$(DEPLOYERS)' \
	  $(if $(REPOSITORY),-var=repository=$(REPOSITORY)) $(if $(APPROVERS),-var='approvers=$(APPROVERS)')

# A function whose secret has no value cannot be deployed, and nothing can be granted to the account that Pub/Sub works
# as until it is there: Google makes it some time after the first use, or when it is asked to.
.PHONY: secrets
secrets: SECRET := tidegate-webhook-secrets
secrets: destination bundle init ## Before the first deployment: make the webhooks' secret, and Pub/Sub's own account
	@$(TERRAFORM) apply -target=google_secret_manager_secret.this $(SETTINGS)
	@gcloud beta services identity create --service=pubsub.googleapis.com --project=$(PROJECT) --quiet
	@set -e; found=$$(gcloud secrets versions list $(SECRET) --project=$(PROJECT) --format='value(name)'); \
	if [ -z "$$found" ]; then \
	  value=$$(openssl rand -base64 32); \
	  echo "whsec_$$value" | gcloud secrets versions add $(SECRET) --project=$(PROJECT) --data-file=-; \
	fi

.PHONY: init
init: destination
	@$(TERRAFORM) init -input=false -reconfigure -backend-config=bucket=$(STATE_BUCKET)

.PHONY: destination
destination: ENVIRONMENTS = $(basename $(notdir $(wildcard terraform/environments/*.tfvars)))
destination:
	@if [ -z '$(PROJECT)' ] || [ -z '$(REGION)' ]; then \
	  echo 'Say where: make $(firstword $(MAKECMDGOALS)) PROJECT=my-project REGION=europe-west1' >&2; exit 1; \
	fi
	@if [ ! -f 'terraform/environments/$(ENVIRONMENT).tfvars' ]; then \
	  echo 'There is no environment $(ENVIRONMENT): ENVIRONMENT is one of $(ENVIRONMENTS)' >&2; exit 1; \
	fi
	@command -v terraform >/dev/null \
	  || { echo 'terraform is not installed: see https://developer.hashicorp.com/terraform/install' >&2; exit 1; }
	@command -v gcloud >/dev/null \
	  || { echo 'gcloud is not installed: see https://cloud.google.com/sdk/docs/install' >&2; exit 1; }
