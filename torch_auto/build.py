"""The PEP 517 and PEP 660 hooks of torch-auto's sdists: hatchling's, with four things changed.

1. config settings reach the build hook; hatchling drops them.
2. metadata is prepared truthfully, or not at all; hatchling's own answer leaves the build hook out, and so torch.
3. nothing heavy is imported before it is needed: a resolver that walks back asks this module once per release.
4. temporary files lie beside the result, and are gone however the build ends.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import Any, Dict, Iterator, List, Mapping, Optional

from torch_auto.scratch import named, scratch
from torch_auto.settings import config_settings as holding

ConfigSettings = Optional[Mapping[str, Any]]

# Nothing beyond build-system.requires is needed to make an sdist or a wheel, so get_requires_for_build_sdist and
# get_requires_for_build_wheel are left out (PEP 517: "if not defined, the default implementation returns []").


def build_sdist(sdist_directory: str, config_settings: ConfigSettings = None) -> str:
    """PEP 517. The sdist is the same for everybody: no machine is looked at."""
    from hatchling import build  # noqa: PLC0415  # see 3 above

    with scratch(sdist_directory):
        return build.build_sdist(sdist_directory, _plain(config_settings))


def build_wheel(
    wheel_directory: str,
    config_settings: ConfigSettings = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """PEP 517. Looks at the machine and pins what fits it.

    Raises:
        SettingsError: a setting of the user's is wrong.
    """
    from hatchling import build  # noqa: PLC0415  # see 3 above

    with holding(config_settings), _hooks_on(), scratch(wheel_directory):
        return build.build_wheel(wheel_directory, _plain(config_settings), metadata_directory)


def get_requires_for_build_editable(config_settings: ConfigSettings = None) -> List[str]:
    """PEP 660. hatchling needs the distribution "editables" for some layouts, and knows for which."""
    from hatchling import build  # noqa: PLC0415  # see 3 above

    return build.get_requires_for_build_editable(_plain(config_settings))


def build_editable(
    wheel_directory: str,
    config_settings: ConfigSettings = None,
    metadata_directory: Optional[str] = None,
) -> str:
    """PEP 660. As build_wheel, for those who work on torch-auto itself.

    Raises:
        SettingsError: a setting of the user's is wrong.
    """
    from hatchling import build  # noqa: PLC0415  # see 3 above

    with holding(config_settings), _hooks_on(), scratch(wheel_directory):
        return build.build_editable(wheel_directory, _plain(config_settings), metadata_directory)


@contextmanager
def _hooks_on() -> Iterator[None]:
    """Whoever switches off the build hooks of their own projects would get a wheel of ours without torch."""
    names = ("HATCH_BUILD_NO_HOOKS", "HATCH_BUILD_HOOKS_ONLY")
    kept = {name: os.environ.pop(name) for name in names if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(kept)


def _plain(config_settings: ConfigSettings) -> Optional[Dict[str, Any]]:
    return None if config_settings is None else dict(config_settings)


# An unpacked sdist has PKG-INFO, and with it all of METADATA but the pins: the answer is the wheel's own, byte for
# byte, without hatchling. A checkout has none: there the hook does not exist, and frontends build the wheel to read it.
# PEP 517 runs hooks with the source tree as the current directory, at import as well.
if os.path.isfile("PKG-INFO"):

    def prepare_metadata_for_build_wheel(metadata_directory: str, config_settings: ConfigSettings = None) -> str:
        """PEP 517. The METADATA of the wheel that build_wheel would make with the same settings.

        Raises:
            SettingsError: a setting of the user's is wrong.
        """
        from torch_auto.prepare import prepare  # noqa: PLC0415  # see 3 above

        with holding(config_settings), named(metadata_directory):
            return prepare("PKG-INFO", metadata_directory)
