"""METADATA of torch-auto's wheel: its PKG-INFO, and what is known on the machine that builds it."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from torch_auto.decide import Plan

#: What a published torch-auto requires beside torch: the command, and the check at import.
PUBLISHED_REQUIREMENTS = ("torch-auto-core",)

#: Label of the URL that says where the chosen torch backend's wheels are.
INDEX_LABEL = "PyTorch index"


def wheel_requirements(own: tuple[str, ...], plan: Plan) -> list[str]:
    """Every Requires-Dist of a wheel, in the order of METADATA; with groups, torch is the groups' business."""
    return [*own, *(plan.requirements if plan.group is None else ())]


def wheel_extras(plan: Plan) -> dict[str, list[str]]:
    """Every Provides-Extra of a wheel with its requirements, in the order of METADATA.

    All names are there on each machine: an extra that a machine has no pins for is still a known one.
    """
    from torch_auto.pins.extras import EXTRAS  # noqa: PLC0415  # deciding has loaded it

    pins = {extra.name: extra.requirements for extra in plan.extras}
    return {name: list(pins.get(name, ())) for name in EXTRAS}


def version_of(pkg_info: str) -> str:
    """The version in a PKG-INFO.

    Raises:
        ValueError: the PKG-INFO is not one of ours.
    """
    for line in pkg_info.split("\n"):
        if line.startswith("Version: "):
            return line[len("Version: ") :]
    raise ValueError("PKG-INFO does not have a line that starts with 'Version: '; the sdist is damaged")


def wheel_metadata(pkg_info: str, plan: Plan) -> str:
    """The METADATA of the wheel that an unpacked sdist with this PKG-INFO gives.

    PKG-INFO says everything but what is dynamic: Requires-Dist, Provides-Extra, and one Project-URL. They go where
    hatchling writes them.

    Raises:
        ValueError: the PKG-INFO is not one of ours.
    """
    headers, separator, body = pkg_info.partition("\n\n")
    lines = headers.split("\n")
    _insert_after(lines, "Summary: ", [f"Project-URL: {INDEX_LABEL}, {plan.index_url}"])
    added = [f"Requires-Dist: {item}" for item in wheel_requirements(PUBLISHED_REQUIREMENTS, plan)]
    for extra, requirements in wheel_extras(plan).items():
        added.append(f"Provides-Extra: {extra}")
        for item in requirements:
            pin, _, marker = item.partition("; ")
            added.append(f"Requires-Dist: {pin}; {f'({marker}) and ' if marker else ''}extra == {extra!r}")
    _insert_after(lines, "Requires-Python: ", added)
    return "\n".join(lines) + separator + body


def _insert_after(lines: list[str], prefix: str, added: list[str]) -> None:
    positions = [number for number, line in enumerate(lines) if line.startswith(prefix)]
    if not positions:
        raise ValueError(f"PKG-INFO does not have a line that starts with {prefix!r}; the sdist is damaged")
    lines[positions[-1] + 1 : positions[-1] + 1] = added
