"""Each function of the topology has its folder, and each folder its function."""

from collections.abc import Iterator

from tidegate_ops.checks.application import Application, Finding

_DECORATORS = {"functions": "@function", "http_functions": "@http_function"}
_FILES = {
    "main.py": "create it with a function `{name}` under {decorator}",
    "requirements.txt": "create it, empty where the function needs nothing of its own",
}


def check_folders(application: Application) -> Iterator[Finding]:
    """Missing folders, missing files, folders that nothing declares."""
    functions = application.project.functions_dir
    topology = application.topology
    kinds = {
        **dict.fromkeys(topology.functions, "functions"),
        **dict.fromkeys(topology.http_functions, "http_functions"),
    }
    for name, kind in kinds.items():
        folder = functions / name
        if not folder.is_dir():
            yield Finding(
                application.at(kind, name),
                f"functions/{name} is missing",
                "create the folder with main.py and requirements.txt, or remove the function here",
            )
            continue
        for file, fix in _FILES.items():
            if not (folder / file).is_file():
                yield Finding(
                    f"functions/{name}/{file}", "is missing", fix.format(name=name, decorator=_DECORATORS[kind])
                )
    for folder in sorted(functions.iterdir()) if functions.is_dir() else ():
        if folder.is_dir() and not folder.name.startswith((".", "_")) and folder.name not in kinds:
            yield Finding(
                f"functions/{folder.name}",
                "is no function of the topology",
                f"declare functions.{folder.name} in infra/topology.yaml, or remove the folder",
            )
