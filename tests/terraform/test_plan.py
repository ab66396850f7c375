"""The configuration is valid, and plans what the topology and the environments' lists say."""

from collections.abc import Callable

import pytest

from tests.terraform.inventory import ENVIRONMENTS, Inventory
from tests.terraform.plan import Plan
from tests.terraform.rules import RULES, Rule
from tests.terraform.terraform import ROOT, Configuration
from tidegate.topology import Topology


def test_it_is_formatted(terraform: None) -> None:
    """The files are as `terraform fmt` leaves them."""
    assert Configuration(ROOT / "terraform").run("fmt", "-check", "-recursive") == ""


def test_it_is_valid(configuration: Configuration) -> None:
    """The provider knows every attribute, and none that it requires is missing."""
    assert "Success" in configuration.run("validate", "-no-tests")


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.__module__.rpartition('.')[2]}.{rule.__name__}")
@pytest.mark.parametrize("application", ["dev", "prod", "small", "bare"])
def test_a_plan_keeps_the_rules(application: str, rule: Rule, plan_of: Callable[[str], tuple[Plan, Topology]]) -> None:
    """The application in both its environments, one that leaves all it can to its topology's defaults and asks for
    all there is beside it, and one without all it can do without, are planned as the model says.
    """
    plan, topology = plan_of(application)
    assert list(rule(plan, topology)) == []


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_an_environment_is_what_its_list_says(
    environment: str, plan_of: Callable[[str], tuple[Plan, Topology]]
) -> None:
    """Its plan has as many resources of each type as the list, and the list's values."""
    plan, _ = plan_of(environment)
    listed = Inventory.read(environment)
    assert listed.of(plan) == listed, "if that is meant, write the lists anew: python -m tests.terraform.inventory"
