"""The PEP 517 hooks of a published torch-auto: METADATA and a wheel of a few files, without hatchling.

A resolver that walks back calls this module once per release, in a process of its own each time. So nothing is imported
before it is needed. docs/maintaining/contract.md says what published sdists rely on: the names of this module and of
its hooks.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    ConfigSettings = Mapping[str, Any] | None

# Nothing beyond build-system.requires is needed for a wheel, so get_requires_for_build_wheel is left out (PEP 517: "if
# not defined, the default implementation returns []").


def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 517. Looks at the machine; METADATA pins what fits it.

    Raises:
        SettingsError: a setting of the user's is wrong.
        OSError: the folder cannot be written.
    """
    from torch_auto.published import prepare  # noqa: PLC0415  # see above
    from torch_auto.scratch import named  # noqa: PLC0415

    with named(metadata_directory):
        return prepare(metadata_directory, config_settings or {})


def build_wheel(
    wheel_directory: str, config_settings: ConfigSettings = None, metadata_directory: str | None = None
) -> str:
    """PEP 517. The wheel of what was prepared, where the frontend hands that over; otherwise looks at the machine.

    Raises:
        SettingsError: a setting of the user's is wrong.
        OSError: the folder cannot be written.
    """
    from torch_auto.published import build  # noqa: PLC0415  # see above

    return build(wheel_directory, config_settings or {}, metadata_directory)


def get_requires_for_build_sdist(config_settings: ConfigSettings = None) -> list[str]:  # noqa: ARG001  # PEP 517
    """PEP 517. hatchling makes sdists; who installs one needs none of it."""
    return ["hatchling>=1.27"]


def build_sdist(sdist_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 517. The sdist is the same for everybody: no machine is looked at."""
    from hatchling import build  # noqa: PLC0415  # see above

    from torch_auto.scratch import scratch  # noqa: PLC0415

    with scratch(sdist_directory):
        return build.build_sdist(sdist_directory, dict(config_settings or {}))


# There is nothing to edit in a published torch-auto: a frontend that is asked for an editable install gets the wheel.
prepare_metadata_for_build_editable = prepare_metadata_for_build_wheel
build_editable = build_wheel
