"""The real terraform on a copy of the configuration; nothing is sent anywhere."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = "flight-desk"
REGION = "europe-west1"
PROJECT_NUMBER = "123456789012"
DEPENDENCY_URLS = {"rebooking-api": "https://partner.example.com"}
DEPLOYER = f"serviceAccount:tidegate-build@{PROJECT}.iam.gserviceaccount.com"
INVOKERS = ("group:desk@example.com", "serviceAccount:portal@flight-desk.iam.gserviceaccount.com")
PLAN, SHOWN = "plan.tfplan", "shown.json"
# Where a copy keeps its state, instead of in a bucket.
_LOCAL_STATE = 'terraform {\n  backend "local" {}\n}\n'
# The provider wants some credentials before it plans; nothing is ever sent with them.
_ENVIRONMENT = {
    "GOOGLE_OAUTH_ACCESS_TOKEN": "unused",
    "TF_IN_AUTOMATION": "1",
    "CHECKPOINT_DISABLE": "1",
    "GOGC": "400",
}


class TerraformFailed(Exception):
    """A command of terraform failed; the message is what it said.

    Attributes:
        said: what it wrote to its standard output.
    """

    def __init__(self, arguments: Sequence[str], said: str, complaints: str) -> None:
        super().__init__(f"terraform {' '.join(arguments)}: {said}{complaints}")
        self.said = said


@dataclass(frozen=True)
class Variables:
    """What a plan is made with.

    Attributes:
        environment: the file below environments/ that is read first; empty for none.
    """

    given: Mapping[str, object]
    environment: str = ""

    @property
    def arguments(self) -> list[str]:
        """What terraform is called with."""
        files = [f"-var-file=environments/{self.environment}.tfvars"] if self.environment else []
        values = {name: each if isinstance(each, str) else json.dumps(each) for name, each in self.given.items()}
        return [*files, *(f"-var={name}={value}" for name, value in values.items())]


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
        (copy.folder / "backend_override.tf").write_text(_LOCAL_STATE)
        return copy

    def copied(self, project: Path) -> "Configuration":
        """A copy of this one with the folder around it, initialised and bundled as it is."""
        shutil.copytree(self.folder.parent, project, symlinks=True, dirs_exist_ok=True)
        return Configuration(project / "terraform")

    @property
    def bundles(self) -> Path:
        """Where it looks for bundles by default."""
        return self.folder.parent / "build" / "bundles"

    def replace(self, path: str, old: str, new: str) -> None:
        """Replace a text that one file has exactly once."""
        text = (self.folder / path).read_text()
        assert text.count(old) == 1, f"{path} has {old!r} {text.count(old)} times"
        (self.folder / path).write_text(text.replace(old, new))

    def plan(self, variables: Variables, folder: Path) -> None:
        """Plan, and leave in a folder the plan and what `terraform show -json` says of it.

        Raises:
            TerraformFailed: there is no plan.
        """
        self.run("plan", "-input=false", "-lock=false", f"-out={folder / PLAN}", *variables.arguments)
        (folder / SHOWN).write_text(self.run("show", "-json", str(folder / PLAN)))

    def changes(self, variables: Variables, *options: str) -> dict[str, str]:
        """What a plan would do, by the address of the resource, where anything has to be done.

        Raises:
            TerraformFailed: there is no plan.
        """
        said = self.run("plan", "-json", "-input=false", "-lock=false", *options, *variables.arguments)
        messages = [json.loads(line) for line in said.splitlines()]
        changes = [each["change"] for each in messages if each["type"] == "planned_change"]
        return {each["resource"]["addr"]: each["action"] for each in changes}

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
            raise TerraformFailed(arguments, done.stdout, done.stderr)
        return done.stdout
