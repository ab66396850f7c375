"""A change of the project's files that is made as a whole or not at all."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tidegate.errors import ConfigurationError
from tidegate_ops.files import write_atomically
from tidegate_ops.project import Project


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be written.

    Attributes:
        created: path and content of each new file, in the order in which they are written.
        edited: the new content of files that are there; written last, so that nothing refers to what is missing.
        next_steps: what is left to do, for people.
    """

    project: Project
    created: Mapping[Path, str]
    edited: Mapping[Path, str]
    next_steps: tuple[str, ...]

    def apply(self) -> None:
        """Write everything; a failure leaves every file and folder as it was.

        Raises:
            ConfigurationError: a file that is to be created is there already, or one cannot be written.
        """
        self.check()
        before = {path: path.read_bytes() for path in self.edited}
        folders = [folder for path in self.created for folder in path.parents if not folder.exists()]
        try:
            for path, text in {**self.created, **self.edited}.items():
                write_atomically(path, text.encode())
        except BaseException as error:
            self._undo(before, folders)
            if isinstance(error, OSError):
                raise ConfigurationError(f"nothing was changed, since {error.filename}: {error.strerror}") from error
            raise

    def check(self) -> None:
        """Refuse to overwrite anything.

        Raises:
            ConfigurationError: a file that is to be created is there already.
        """
        for path in self.created:
            if path.exists():
                where = path.relative_to(self.project.root)
                raise ConfigurationError(f"{where} is there already: remove it, or choose another name")

    def _undo(self, before: Mapping[Path, bytes], folders: list[Path]) -> None:
        for path in self.created:
            path.unlink(missing_ok=True)
        for folder in sorted(set(folders), reverse=True):
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        for path, content in before.items():
            if path.read_bytes() != content:
                write_atomically(path, content)
