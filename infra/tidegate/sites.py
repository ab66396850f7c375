"""What an HTTP function is given to work with."""

from dataclasses import dataclass

from tidegate.function_config import HttpFunctionConfig
from tidegate.ports import Ports
from tidegate.settings import Settings


@dataclass(frozen=True, slots=True)
class Site:
    """The surroundings of one instance of an HTTP function."""

    config: HttpFunctionConfig
    settings: Settings
    ports: Ports
