"""A terraform and a gcloud that note what they are told, and keep buckets as folders."""

import os
import pty
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = "flight-desk-1"
PLAN = "google_pubsub_topic.this will be created"
LIMIT_SECONDS = 300

_TERRAFORM = f"""#!/bin/sh
echo "terraform as=$GOOGLE_IMPERSONATE_SERVICE_ACCOUNT $*" >> "$CLOUD/told"
case " $* " in
  *" init "*) echo locks > terraform/.terraform.lock.hcl ;;
  *" plan "*) for each; do case "$each" in -out=*) echo plan > "${{each#-out=}}" ;; esac; done ;;
  *" show "*) echo '{PLAN}' ;;
  *" output "*) printf '{{"gateway": {{"uri": "%s"}}}}' "$(cat "$CLOUD/gateway")" ;;
  *" apply "*) [ ! -e "$CLOUD/apply-fails" ] ;;
esac
"""
_GCLOUD = """#!/bin/sh
echo "gcloud as=$CLOUDSDK_AUTH_IMPERSONATE_SERVICE_ACCOUNT $*" >> "$CLOUD/told"
[ ! -e "$CLOUD/away" ] || { echo 'no network' >&2; exit 1; }
place() { case "$1" in gs://*) echo "$CLOUD/${1#gs://}" ;; *) echo "$1" ;; esac; }
case "$*" in
  "storage objects list "*) for each in $(place "$4"); do if [ -e "$each" ]; then basename "$each"; fi; done ;;
  "storage cp "*) to=$(place "$4"); mkdir -p "$(dirname "$to")"; cp $(place "$3") "$to" ;;
  "auth print-identity-token "*) echo a-token ;;
  "config get-value account") echo me@desk.example ;;
  "secrets versions list "*) if [ -e "$CLOUD/secret" ]; then echo 1; fi ;;
  "secrets versions add "*) cat > "$CLOUD/secret" ;;
esac
"""


@dataclass(frozen=True)
class Cloud:
    """A project's folder with the application in it, and the tools that would deploy it."""

    folder: Path

    @classmethod
    def prepare(cls, folder: Path) -> "Cloud":
        """Put everything into an empty folder."""
        for name in ("Makefile", "deploy.mk", "requirements.txt", "pyproject.toml"):
            shutil.copy2(ROOT / name, folder)
        for name in ("infra", "functions"):
            (folder / name).symlink_to(ROOT / name)
        (folder / "terraform" / "environments").mkdir(parents=True)
        (folder / "terraform" / "environments" / "dev.tfvars").touch()
        (folder / "build").mkdir()
        (folder / "build" / "ready").touch()
        tools = folder / "tools"
        tools.mkdir()
        for name, script in (("terraform", _TERRAFORM), ("gcloud", _GCLOUD)):
            (tools / name).write_text(script)
            (tools / name).chmod(0o755)
        (folder / "cloud").mkdir()
        return cls(folder)

    @property
    def planned(self) -> Path:
        """Where a plan for the project is kept."""
        return self.folder / "build" / "plans" / PROJECT

    @property
    def told(self) -> list[str]:
        """What the tools were told so far, by whom, without what says where."""
        path = self.folder / "cloud" / "told"
        return path.read_text().splitlines() if path.exists() else []

    def object(self, name: str) -> Path:
        """An object by its bucket and name."""
        return self.folder / "cloud" / name

    def make(self, *arguments: str, answer: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Make targets for the project; ``answer`` is typed at a terminal, without it there is none."""
        return self.run("make", f"PROJECT={PROJECT}", "REGION=europe-west1", *arguments, answer=answer)

    def run(self, *command: str, answer: str | None = None) -> "subprocess.CompletedProcess[str]":
        """Run a command in the folder, where only these tools are told anything."""
        known = ("HOME", "LANG", "PYTHONPATH")
        environment = {name: os.environ[name] for name in known if name in os.environ}
        environment |= {
            "CLOUD": str(self.folder / "cloud"),
            "MAKEFLAGS": f"BIN={Path(sys.executable).parent} READY=build/ready",
            "PATH": f"{self.folder / 'tools'}:{os.environ['PATH']}",
        }
        keyboard, terminal = pty.openpty() if answer is not None else (None, subprocess.DEVNULL)
        try:
            if keyboard is not None:
                os.write(keyboard, f"{answer}\n".encode())
            return subprocess.run(
                command,
                cwd=self.folder,
                env=environment,
                stdin=terminal,
                capture_output=True,
                text=True,
                timeout=LIMIT_SECONDS,
                check=False,
            )
        finally:
            if keyboard is not None:
                os.close(keyboard)
                os.close(terminal)
