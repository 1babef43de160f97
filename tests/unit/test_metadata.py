"""METADATA of a published torch-auto: PKG-INFO with what is dynamic, where hatchling writes it."""

from __future__ import annotations

from email.parser import Parser

import pytest

from torch_auto.decide import decide
from torch_auto.metadata import version_of, wheel_extras, wheel_metadata, wheel_requirements
from torch_auto.settings import Settings
from unit.data import CATALOG
from unit.groups import THREE, groups
from unit.machines import MACHINES

PKG_INFO = (
    "Metadata-Version: 2.4\nName: torch-auto\nVersion: 2.5.1\nSummary: x\nRequires-Python: >=3.8\n\nbody\n\nmore\n"
)


def test_metadata_provides_the_extras() -> None:
    """METADATA names each extra once, and puts its marker behind the platform's."""
    plan = decide(CATALOG.release("2.5.1"), MACHINES["cpu"], Settings(pin="exact"), CATALOG)
    lines = wheel_metadata(PKG_INFO, plan).split("\n")
    assert [line for line in lines if line.startswith("Provides-Extra: ")] == [
        "Provides-Extra: vision",
        "Provides-Extra: audio",
    ]
    marker = "(sys_platform == 'linux' and platform_machine == 'x86_64') and extra == 'vision'"
    at = lines.index("Provides-Extra: vision")
    assert lines[at + 1] == f"Requires-Dist: torchvision==0.20.1+cpu; {marker}"


@pytest.mark.parametrize("name", sorted(MACHINES))
def test_metadata_has_every_requirement_in_order(name: str) -> None:
    """The command first, then torch, then each extra's; the rest of PKG-INFO stays as it is, byte for byte."""
    plan = decide(CATALOG.release("2.5.1"), MACHINES[name], Settings(), CATALOG)
    text = wheel_metadata(PKG_INFO, plan)
    found = Parser().parsestr(text)
    required = found.get_all("Requires-Dist") or []
    plain = [item for item in required if "extra ==" not in item]
    assert plain == ["torch-auto-core", *plan.requirements] == wheel_requirements(("torch-auto-core",), plan)
    for extra, pins in wheel_extras(plan).items():
        own = [item for item in required if item.endswith(f"extra == '{extra}'")]
        assert [item.partition(";")[0] for item in own] == [pin.partition(";")[0] for pin in pins]
    assert found.get_all("Project-URL") == [f"PyTorch index, {plan.index_url}"]
    added = ("Project-URL: ", "Requires-Dist: ", "Provides-Extra: ")
    assert "\n".join(line for line in text.split("\n") if not line.startswith(added)) == PKG_INFO


def test_with_groups_metadata_says_nothing_of_torch() -> None:
    """It is the same on every machine; the pins are the business of the project's own groups."""
    settings = Settings(groups=groups(THREE))
    plans = [decide(CATALOG.newest, on, settings, CATALOG) for on in MACHINES.values()]
    [text] = {wheel_metadata(PKG_INFO, plan) for plan in plans}
    assert "Requires-Dist: torch-auto-core\nProvides-Extra: vision\nProvides-Extra: audio\n" in text
    assert "Requires-Dist: torch=" not in text
    assert "Project-URL: PyTorch index, https://download.pytorch.org/whl\n" in text


@pytest.mark.parametrize("missing", ["Version: ", "Summary: ", "Requires-Python: "])
def test_a_damaged_pkg_info_is_an_error(missing: str) -> None:
    """Nothing is written in a place that is only guessed."""
    text = "\n".join(line for line in PKG_INFO.split("\n") if not line.startswith(missing))
    plan = decide(CATALOG.release("2.5.1"), MACHINES["cpu"], Settings(), CATALOG)
    with pytest.raises(ValueError, match=f"PKG-INFO does not have a line that starts with '{missing}'"):
        version_of(text) if missing == "Version: " else wheel_metadata(text, plan)


def test_the_version_is_the_sdists() -> None:
    """As PKG-INFO has it, a repair's with its number."""
    assert version_of(PKG_INFO) == "2.5.1"
    assert version_of(PKG_INFO.replace("Version: 2.5.1", "Version: 2.5.1.post2")) == "2.5.1.post2"
