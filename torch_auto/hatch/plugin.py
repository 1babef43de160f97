"""hatchling finds the build hook of the name torch-auto here (entry point group ``hatch``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hatchling.plugin import hookimpl

if TYPE_CHECKING:
    from torch_auto.hatch.hooks import PinHook


@hookimpl
def hatch_register_build_hook() -> type[PinHook]:
    """https://hatch.pypa.io/latest/plugins/about."""
    from torch_auto.hatch.hooks import PinHook  # noqa: PLC0415  # whoever has the core is asked, wanted or not

    return PinHook
