"""torch-auto as a distribution: its versions, its own requirements, its METADATA."""

from __future__ import annotations

from typing import Dict, List, Mapping, Tuple

from torch_auto import catalog
from torch_auto.family import EXTRAS as FAMILY
from torch_auto.plan import Plan, torch_release

#: Label of the URL that says where the chosen torch backend's wheels are: the hint.
INDEX_LABEL = "PyTorch index"

#: What the installed package imports. nvidia-ml-py is the distribution of the module pynvml.
OWN_REQUIREMENTS = ("nvidia-ml-py>=12", "packaging>=22")


def sdist_version(environment: Mapping[str, str]) -> str:
    """The version to make an sdist of: TORCH_AUTO_VERSION, or else the newest release of the catalog.

    Raises:
        UnknownReleaseError: the catalog does not know the release; the error lists those that it knows.
    """
    known = catalog.load()
    version = environment.get("TORCH_AUTO_VERSION", "").strip() or known.newest.version
    known.release(torch_release(version))
    return version


#: What only a part of the command needs. Extras are written with the pins: an sdist has no Requires-Dist at all.
COMMAND = {"cli": ("tomlkit>=0.12",)}


def wheel_extras(plan: Plan) -> Dict[str, List[str]]:
    """Every Provides-Extra of a wheel with its requirements, in the order of METADATA.

    All names are there on each machine: an extra that a machine has no pins for is still no unknown one.
    """
    pins = {extra.name: extra.requirements for extra in plan.extras}
    return {name: list(items) for name, items in {**COMMAND, **dict.fromkeys(FAMILY, ()), **pins}.items()}


def wheel_requirements(plan: Plan) -> List[str]:
    """Every Requires-Dist of a wheel, in the order of METADATA; with groups, torch is the groups' business."""
    return [*OWN_REQUIREMENTS, *(plan.requirements if plan.group is None else ())]


def index_url_entry(plan: Plan) -> Tuple[str, str]:
    """Label and URL of the Project-URL that is the hint."""
    return INDEX_LABEL, plan.index_url


def platform_tag() -> str:
    """The tag of wheels for this machine alone: linux_x86_64, and never manylinux, which promises more."""
    from packaging.tags import platform_tags  # noqa: PLC0415  # a wheel needs it, its METADATA alone does not

    tags = list(platform_tags())
    plain = [tag for tag in tags if tag.startswith("linux_")]
    return plain[0] if plain else tags[0]


def wheel_metadata(pkg_info: str, plan: Plan) -> str:
    """The METADATA of the wheel that an unpacked sdist with this PKG-INFO becomes.

    PKG-INFO says everything but what is dynamic: Requires-Dist, Provides-Extra, and one Project-URL. They go where
    hatchling writes them.

    Raises:
        ValueError: the PKG-INFO is not one of ours.
    """
    headers, separator, body = pkg_info.partition("\n\n")
    lines = headers.split("\n")
    label, url = index_url_entry(plan)
    _insert_after(lines, "Summary: ", [f"Project-URL: {label}, {url}"])
    added = [f"Requires-Dist: {item}" for item in wheel_requirements(plan)]
    for extra, requirements in wheel_extras(plan).items():
        added.append(f"Provides-Extra: {extra}")
        for item in requirements:
            pin, _, marker = item.partition("; ")
            added.append(f"Requires-Dist: {pin}; {f'({marker}) and ' if marker else ''}extra == {extra!r}")
    _insert_after(lines, "Requires-Python: ", added)
    return "\n".join(lines) + separator + body


def _insert_after(lines: List[str], prefix: str, added: List[str]) -> None:
    positions = [number for number, line in enumerate(lines) if line.startswith(prefix)]
    if not positions:
        raise ValueError(f"PKG-INFO has no line that starts with {prefix!r}; the sdist is damaged")
    lines[positions[-1] + 1 : positions[-1] + 1] = added
