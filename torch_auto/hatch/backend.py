"""PEP 517 and PEP 660 hooks of a project that hatchling builds with torch-auto's build hook: hatchling's, but for this.

1. Config settings reach the build hook; hatchling drops them.
2. Metadata is not prepared: hatchling's own answer leaves build hooks out, and so torch (its prepare_metadata_* are for
   static metadata alone, hatchling/build.py). A frontend builds the wheel to read it.
3. Temporary files lie beside the result, and are gone however the build ends.
"""

from __future__ import annotations

import os
from contextlib import contextmanager

from torch_auto.scratch import scratch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    ConfigSettings = Mapping[str, Any] | None

#: The config settings of the call that is being served; a frontend calls one hook per process, one after another.
_config_settings: dict[str, Any] = {}


def config_settings() -> dict[str, Any]:
    """The config settings of the frontend's call that is being served; none where hatchling's own command builds."""
    return dict(_config_settings)


def build_sdist(sdist_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 517. The sdist is the same for everybody: no machine is looked at."""
    from hatchling import build  # noqa: PLC0415  # importing this module needs none of it

    with scratch(sdist_directory):
        return build.build_sdist(sdist_directory, dict(config_settings or {}))


def build_wheel(
    wheel_directory: str,
    config_settings: ConfigSettings = None,
    metadata_directory: str | None = None,
) -> str:
    """PEP 517. Looks at the machine and pins what fits it.

    Raises:
        SettingsError: a setting of the user's is wrong.
    """
    from hatchling import build  # noqa: PLC0415  # as above

    with _serving(config_settings), _hooks_on(), scratch(wheel_directory):
        return build.build_wheel(wheel_directory, dict(config_settings or {}), metadata_directory)


def get_requires_for_build_editable(config_settings: ConfigSettings = None) -> list[str]:
    """PEP 660. hatchling needs the distribution "editables" for some layouts, and knows for which."""
    from hatchling import build  # noqa: PLC0415  # as above

    return build.get_requires_for_build_editable(dict(config_settings or {}))


def build_editable(
    wheel_directory: str,
    config_settings: ConfigSettings = None,
    metadata_directory: str | None = None,
) -> str:
    """PEP 660. As build_wheel, for those who work on the project itself.

    Raises:
        SettingsError: a setting of the user's is wrong.
    """
    from hatchling import build  # noqa: PLC0415  # as above

    with _serving(config_settings), _hooks_on(), scratch(wheel_directory):
        return build.build_editable(wheel_directory, dict(config_settings or {}), metadata_directory)


@contextmanager
def _serving(config_settings: ConfigSettings) -> Iterator[None]:
    _config_settings.update(config_settings or {})
    try:
        yield
    finally:
        _config_settings.clear()


@contextmanager
def _hooks_on() -> Iterator[None]:
    """Whoever switches off the build hooks of their own projects would get a wheel without torch."""
    names = ("HATCH_BUILD_NO_HOOKS", "HATCH_BUILD_HOOKS_ONLY")
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)
