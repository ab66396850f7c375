"""The real terraform on a copy of the configuration; nothing is created anywhere."""

import json
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "flight-desk"
PROJECT_NUMBER = "123456789012"
DEPENDENCY_URLS = {"rebooking-api": "https://partner.example.com"}
INVOKERS = ("group:desk@example.com", "serviceAccount:portal@flight-desk.iam.gserviceaccount.com")
# The provider wants some credentials before it plans; nothing is ever sent with them.
_ENVIRONMENT = {"GOOGLE_OAUTH_ACCESS_TOKEN": "unused", "TF_IN_AUTOMATION": "1", "CHECKPOINT_DISABLE": "1"}


class TerraformFailed(Exception):
    """A command of terraform failed; the message is what it said."""


@dataclass(frozen=True)
class Configuration:
    """A copy of terraform/, in a project folder of its own."""

    folder: Path

    @classmethod
    def copy(cls, project: Path) -> "Configuration":
        """Copy terraform/ into ``project``, where the project's number needs no login to be known."""
        copy = cls(project / "terraform")
        shutil.copytree(ROOT / "terraform", copy.folder, ignore=shutil.ignore_patterns(".terraform*", "*.tfstate*"))
        copy.replace("main.tf", 'data "google_project" "this" {}\n', "")
        copy.replace("main.tf", "${data.google_project.this.number}", PROJECT_NUMBER)
        return copy

    def copied(self, project: Path) -> "Configuration":
        """A copy of this one, initialised as it is."""
        shutil.copytree(self.folder, project / "terraform", symlinks=True)
        return Configuration(project / "terraform")

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that one file has exactly once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        (self.folder / path).write_text(text.replace(old, new))

    def plan(self, topology: Path, manifest: Path, **others: object) -> dict[str, Any]:
        """What `terraform show -json` says of a plan for an empty project; ``others`` are variables, as JSON.

        Raises:
            TerraformFailed: there is no plan.
        """
        variables = {
            "project": PROJECT,
            "region": "europe-west1",
            "topology": str(topology),
            "bundles_manifest": str(manifest),
            "dependency_urls": json.dumps(DEPENDENCY_URLS),
            "gateway_invokers": json.dumps(INVOKERS),
            **{name: json.dumps(value) for name, value in others.items()},
        }
        given = [f"-var={name}={value}" for name, value in variables.items()]
        self.run("plan", "-input=false", "-lock=false", "-out=tested.tfplan", *given)
        shown: dict[str, Any] = json.loads(self.run("show", "-json", "tested.tfplan"))
        return shown

    def run(self, *arguments: str) -> str:
        """Run terraform and return what it wrote.

        Raises:
            TerraformFailed: it returned something else than 0.
        """
        done = subprocess.run(
            ["terraform", *arguments, *(() if arguments[0] == "show" else ("-no-color",))],
            cwd=self.folder,
            env={**os.environ, **_ENVIRONMENT},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise TerraformFailed(f"terraform {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout
