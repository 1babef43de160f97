"""The user's settings: config settings before ``TORCH_AUTO_*`` variables before uv's own variables.

Every fault of every setting is collected and raised at once, with the values that would be right. A setting that is
not ours is left alone, but one that looks like a slip of ours is a fault: ignoring it would be a silent lie.
"""

from __future__ import annotations

import os
import re
from contextvars import ContextVar
from typing import Any, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from torch_auto.catalog import Catalog
from torch_auto.machine import Machine
from torch_auto.requirements import EXACT, PREFER
from torch_auto.selection import AUTO, NONE, PUBLIC

TYPE_CHECKING = False
if TYPE_CHECKING:  # a build with groups needs them, and no other
    from torch_auto.groups import Group

DEFAULT_INDEX_URL = "https://download.pytorch.org/whl"

#: Each setting's name as a config setting; its variable is TORCH_AUTO_ and the name in capitals.
NAMES = ("backend", "pin", "machine", "index-url", "groups")

#: Variables of the same prefix that are read elsewhere: at import, and when an sdist is made.
_OTHER_VARIABLES = ("TORCH_AUTO_WARN", "TORCH_AUTO_VERSION")

_DRIVER_VERSION = re.compile(r"\d{2,4}(\.\d{1,5}){0,3}", re.ASCII)
_GFX_TARGET = re.compile(r"gfx[0-9a-f]{3,6}", re.ASCII)
_TORCH_BACKEND = re.compile(r"cu\d{2,3}|rocm\d{1,2}(\.\d{1,2}){0,3}", re.ASCII)
#: What a URL can be made of (RFC 3986), but for a query, a fragment, and what a shell or a list of URLs would split at.
_URL = re.compile(r"[A-Za-z0-9:/%._~\[\]@!*+=-]+", re.ASCII)

_MACHINE_FILE_LIMIT = 1 << 20


class SettingsError(ValueError):
    """One or more settings are wrong; ``faults`` names each with the values that are valid."""

    def __init__(self, faults: List[str]) -> None:
        count = "a setting is" if len(faults) == 1 else f"{len(faults)} settings are"
        super().__init__(f"torch-auto: {count} wrong:" + "".join(f"\n  - {fault}" for fault in faults))
        self.faults = tuple(faults)


class Settings(NamedTuple):
    """What the user asked for.

    ``notes`` are for the reasons: where a setting came from, what was not taken. ``given`` is what was set: (name,
    value, origin).
    """

    backend: str = AUTO
    pin: str = PREFER
    machine: Optional[Machine] = None
    index_url: str = DEFAULT_INDEX_URL
    driver_version: Optional[str] = None  # UV_CUDA_DRIVER_VERSION: assume this NVIDIA driver
    gfx_target: Optional[str] = None  # UV_AMD_GPU_ARCHITECTURE: assume this AMD GPU
    notes: Tuple[str, ...] = ()
    groups: Tuple[Group, ...] = ()
    given: Tuple[Tuple[str, str, str], ...] = ()


class _Given(NamedTuple):
    """A value that is set, and where."""

    value: str
    origin: str


#: The config settings of the frontend's call, for the hook: hatchling itself does not hand them on.
_CONFIG_SETTINGS: ContextVar[Optional[Mapping[str, Any]]] = ContextVar("torch_auto_config_settings", default=None)


class config_settings:  # noqa: N801  # used like a function: ``with config_settings(values):``
    """Hold the frontend's config settings for everything that runs inside."""

    def __init__(self, values: Optional[Mapping[str, Any]]) -> None:
        self._values = values

    def __enter__(self) -> None:
        self._token = _CONFIG_SETTINGS.set(self._values)

    def __exit__(self, *_: object) -> None:
        _CONFIG_SETTINGS.reset(self._token)


def current_config_settings() -> Mapping[str, Any]:
    """The config settings of the frontend's call that is being served."""
    return _CONFIG_SETTINGS.get() or {}


def _variable(name: str) -> str:
    return "TORCH_AUTO_" + name.upper().replace("-", "_")


def _given(
    config: Mapping[str, Any], environment: Mapping[str, str], label: str, faults: List[str]
) -> Dict[str, _Given]:
    """The value of each setting that is set, the higher source first. An empty variable counts as not set."""
    found: Dict[str, _Given] = {}
    for name in NAMES:
        variable = _variable(name)
        if name in config:
            value = config[name]
            origin = label + name
            if isinstance(value, str):
                found[name] = _Given(value.strip(), origin)
            else:
                faults.append(f"{origin}: must be given once, as text; it is {value!r}")
        elif environment.get(variable, "").strip():
            found[name] = _Given(environment[variable].strip(), variable)
    if "backend" not in found and environment.get("UV_TORCH_BACKEND", "").strip():
        found["backend"] = _Given(environment["UV_TORCH_BACKEND"].strip(), "UV_TORCH_BACKEND")
    return found


def _slips(config: Mapping[str, Any], environment: Mapping[str, str]) -> Tuple[List[str], List[str]]:
    """Faults for names that look like a slip of ours, and notes for config settings that are none of ours."""
    faults: List[str] = []
    notes: List[str] = []
    for key in config:
        if key in NAMES:
            continue
        close = _closest(key.replace("_", "-").lower(), NAMES, 0.75)
        if close:
            faults.append(f"config setting {key}: there is no such setting; did you mean {close}?")
        else:
            notes.append(
                f"The config setting {key!r} is not one of torch-auto's ({', '.join(NAMES)}); it was not used."
            )
    variables = [*map(_variable, NAMES), *_OTHER_VARIABLES]
    for key in environment:
        if not key.startswith("TORCH_AUTO_") or key in variables:
            continue
        # Compared with the settings alone, and closely: what a later version adds must not stop this one.
        close = _closest(key, variables[: len(NAMES)], 0.94)
        if close:
            faults.append(f"{key}: there is no such variable; did you mean {close}?")
    return faults, notes


def _closest(name: str, names: Sequence[str], similarity: float) -> Optional[str]:
    import difflib  # noqa: PLC0415  # the right names need none of it

    return next(iter(difflib.get_close_matches(name, names, 1, similarity)), None)


def _backend(given: _Given, catalog: Catalog, faults: List[str]) -> str:
    valid = (AUTO, *catalog.torch_backends(), PUBLIC, NONE)
    if given.value in valid:
        return given.value
    if given.origin == "UV_TORCH_BACKEND" and _TORCH_BACKEND.fullmatch(given.value):
        # uv knows more of them, and later ones than a catalog that is frozen in an sdist. No build of ours matches,
        # which the pins then say; an error here would end a resolution that may come to a release that has it.
        return given.value
    faults.append(f"{given.origin}: {given.value!r} is not a torch backend; valid are {', '.join(valid)}")
    return AUTO


def _pin(given: _Given, faults: List[str]) -> str:
    if given.value in (PREFER, EXACT):
        return given.value
    faults.append(f"{given.origin}: {given.value!r} is not a way to pin; valid are {PREFER}, {EXACT}")
    return PREFER


def _groups(given: _Given, catalog: Catalog, faults: List[str]) -> Tuple[Group, ...]:
    from torch_auto.groups import parse_groups  # noqa: PLC0415  # most builds are without groups

    try:
        return parse_groups(given.value, catalog)
    except ValueError as error:
        faults.append(f"{given.origin}: {error}")
        return ()


def _machine(given: _Given, faults: List[str]) -> Optional[Machine]:
    from torch_auto.machine_file import MachineError  # noqa: PLC0415  # most builds are for the machine that they run on

    path = given.value
    if not os.path.isabs(path):
        # A build runs in a folder of its own, so a relative path would never mean what its author saw.
        faults.append(f"{given.origin}: {path!r} must be an absolute path, since a build runs in a folder of its own")
        return None
    try:
        return read_machine(path)
    except OSError as error:
        faults.append(f"{given.origin}: {path!r} cannot be read: {error.strerror or error}")
    except MachineError as error:
        faults.extend(f"{given.origin}: {path!r}: {fault}" for fault in error.faults)
    return None


def read_machine(path: str) -> Machine:
    """The machine that a machine file describes.

    Raises:
        OSError: the file cannot be read.
        MachineError: it is not a machine file.
    """
    from torch_auto.machine_file import MachineError, machine_from_text  # noqa: PLC0415  # as above

    with open(path, "rb") as file:
        data = file.read(_MACHINE_FILE_LIMIT + 1)
    if len(data) > _MACHINE_FILE_LIMIT:
        raise MachineError([f"it is larger than {_MACHINE_FILE_LIMIT} bytes, so it is no machine file"])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MachineError([f"it is not UTF-8 text: {error}"]) from error
    return machine_from_text(text)


def _index_url(given: _Given, faults: List[str]) -> str:
    """The base of the index. It ends up in METADATA, so it is one printable line and holds no password."""
    from urllib.parse import urlsplit  # noqa: PLC0415  # the default needs none of it

    url = given.value.rstrip("/")
    try:
        parts = urlsplit(url)
        has_password = parts.username is not None or parts.password is not None
    except ValueError as error:
        faults.append(f"{given.origin}: {url!r} is not a URL: {error}")
        return DEFAULT_INDEX_URL
    if has_password:  # first, so that no other fault repeats it
        faults.append(
            f"{given.origin}: the URL holds a user name or password, which would end up in the wheel's METADATA; "
            "use netrc or a keyring"
        )
    elif parts.scheme not in ("http", "https", "file") or not (parts.netloc or parts.scheme == "file"):
        faults.append(
            f"{given.origin}: {url!r} is not a URL; valid is an http, https or file URL such as {DEFAULT_INDEX_URL}"
        )
    elif parts.query or parts.fragment:  # they may hold a token, so they are not repeated
        faults.append(f"{given.origin}: the URL must have no query and no fragment")
    elif _URL.fullmatch(url) is None:
        faults.append(f"{given.origin}: {url!r} has characters that a plain URL does not have")
    else:
        return url
    return DEFAULT_INDEX_URL


def _uv_assumptions(environment: Mapping[str, str], faults: List[str]) -> Tuple[Optional[str], Optional[str]]:
    driver = environment.get("UV_CUDA_DRIVER_VERSION", "").strip() or None
    if driver is not None and _DRIVER_VERSION.fullmatch(driver) is None:
        faults.append(f"UV_CUDA_DRIVER_VERSION: {driver!r} is not a driver version; valid is one such as 550.54.14")
        driver = None
    gfx = environment.get("UV_AMD_GPU_ARCHITECTURE", "").strip() or None
    if gfx is not None and _GFX_TARGET.fullmatch(gfx) is None:
        faults.append(f"UV_AMD_GPU_ARCHITECTURE: {gfx!r} is not a GPU architecture; valid is one such as gfx1100")
        gfx = None
    return driver, gfx


def read(
    catalog: Catalog,
    config: Optional[Mapping[str, Any]] = None,
    environment: Optional[Mapping[str, str]] = None,
    label: str = "config setting ",
) -> Settings:
    """The settings in the frontend's config settings and in the environment.

    ``label`` is what a config setting's name is preceded by in messages; the command says "--".

    Raises:
        SettingsError: one or more of them are wrong; it names all of them.
    """
    config = current_config_settings() if config is None else config
    environment = os.environ if environment is None else environment
    faults, notes = _slips(config, environment)
    given = _given(config, environment, label, faults)
    backend = _backend(given["backend"], catalog, faults) if "backend" in given else AUTO
    pin = _pin(given["pin"], faults) if "pin" in given else PREFER
    machine = _machine(given["machine"], faults) if "machine" in given else None
    index_url = _index_url(given["index-url"], faults) if "index-url" in given else DEFAULT_INDEX_URL
    groups = _groups(given["groups"], catalog, faults) if "groups" in given else ()
    driver, gfx = _uv_assumptions(environment, faults)
    if faults:
        raise SettingsError(faults)
    if groups and all(group.torch_backend != backend for group in groups):
        # The groups are a team's and the torch backend one person's, so it is no fault; and none is what groups are.
        if backend not in (AUTO, NONE):
            notes.append(f"There is no group for backend={backend} ({given['backend'].origin}), so it was not used.")
        backend = AUTO
    if (driver or gfx) and (backend != AUTO or machine is not None):
        notes.append("UV_CUDA_DRIVER_VERSION and UV_AMD_GPU_ARCHITECTURE were not used: a setting says otherwise.")
    shown = tuple((name, item.value, item.origin) for name, item in given.items() if item.value != AUTO)
    if shown:
        notes.insert(0, f"Settings: {', '.join(f'{name}={value} (from {origin})' for name, value, origin in shown)}.")
    return Settings(backend, pin, machine, index_url, driver, gfx, tuple(notes), groups, shown)
