"""The user's settings: config settings before ``TORCH_AUTO_*`` variables before uv's own variables.

Every fault of every setting is collected and raised at once, with the values that would be right. A setting that is
not ours is left alone, but one that looks like a slip of ours is a fault: ignoring it would be a silent lie.
"""

from __future__ import annotations

import os
import re

from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from torch_auto.catalog.model import Catalog
    from torch_auto.machine import Machine
    from torch_auto.select.groups import Group
    from torch_auto.select.reasons import Reason

#: Values of the setting ``backend`` that are not a torch backend, and those of ``pin``.
AUTO, PUBLIC = "auto", "pypi"
PREFER, EXACT = "prefer", "exact"

DEFAULT_INDEX_URL = "https://download.pytorch.org/whl"

#: Each setting's name as a config setting; its variable is TORCH_AUTO_ and the name in capitals.
NAMES = ("backend", "pin", "machine", "index-url", "groups", "group")

_DRIVER_VERSION = re.compile(r"\d{2,4}(\.\d{1,5}){0,3}", re.ASCII)
_GFX_TARGET = re.compile(r"gfx[0-9a-f]{3,6}", re.ASCII)
#: What a URL can be made of (RFC 3986), but for a query, a fragment, and what a shell or a list of URLs would split at.
_URL = re.compile(r"[A-Za-z0-9:/%._~\[\]@!*+=-]+", re.ASCII)


#: Characters of a wrong value, and of a fault, that are shown.
_LONGEST_VALUE, _LONGEST_FAULT = 200, 2000


class SettingsError(ValueError):
    """One or more settings are wrong; ``faults`` names each with the values that are valid."""

    def __init__(self, faults: list[str]) -> None:
        faults = [_plain(fault) for fault in faults]
        what = "invalid setting" if len(faults) == 1 else f"{len(faults)} invalid settings"
        super().__init__(f"torch-auto: {what}:" + "".join(f"\n  - {fault}" for fault in faults))
        self.faults = tuple(faults)


def _plain(fault: str) -> str:
    """A fault as an installer shows it: one line, of bounded length, that no terminal obeys."""
    if len(fault) > _LONGEST_FAULT:
        fault = f"{fault[: _LONGEST_FAULT - 3]}..."
    return fault if fault.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in fault)


def _shown(value: object) -> str:
    """A wrong value as messages repeat it: it may be 100 kB, and what would be right follows it."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[:_LONGEST_VALUE]}... ({len(text)} characters)"


class Settings(Frozen):
    """What the user asked for.

    ``notes`` are for the reasons: where a setting came from, what was not taken. ``given`` is what was set: (name,
    value, origin).
    """

    backend: str = AUTO
    pin: str = PREFER
    machine: Machine | None = None
    index_url: str = DEFAULT_INDEX_URL
    driver_version: str | None = None  # UV_CUDA_DRIVER_VERSION: assume this NVIDIA driver
    gfx_target: str | None = None  # UV_AMD_GPU_ARCHITECTURE: assume this AMD GPU
    notes: tuple[Reason, ...] = ()
    groups: tuple[Group, ...] = ()
    given: tuple[tuple[str, str, str], ...] = ()


class _Given(Frozen):
    """A value that is set, and where."""

    value: str
    origin: str


def _variable(name: str) -> str:
    return "TORCH_AUTO_" + name.upper().replace("-", "_")


def _given(
    config: Mapping[str, Any], environment: Mapping[str, str], label: str, faults: list[str]
) -> dict[str, _Given]:
    """The value of each setting that is set, the higher source first. An empty variable counts as not set."""
    found: dict[str, _Given] = {}
    for name in NAMES:
        variable = _variable(name)
        if name in config:
            value = config[name]
            origin = label + name
            if isinstance(value, str):
                found[name] = _Given(value.strip(), origin)
            else:
                faults.append(f"{origin}: must be given once, as text; it is {_shown(value)}")
        elif environment.get(variable, "").strip():
            found[name] = _Given(environment[variable].strip(), variable)
    if "backend" not in found and environment.get("UV_TORCH_BACKEND", "").strip():
        found["backend"] = _Given(environment["UV_TORCH_BACKEND"].strip(), "UV_TORCH_BACKEND")
    return found


def _slips(config: Mapping[str, Any], environment: Mapping[str, str]) -> tuple[list[str], list[Reason]]:
    """Faults for names that look like a slip of ours, and notes for config settings that are none of ours."""
    faults: list[str] = []
    notes: list[Reason] = []
    for key in config:
        if key in NAMES:
            continue
        close = _closest(key.lower(), NAMES, 0.75)
        if close:
            faults.append(f"config setting {key}: there is no such setting; did you mean {close}?")
        else:
            notes.append(_because("unknown-setting", name=key, valid=NAMES))
    variables = list(map(_variable, NAMES))
    for key in environment:
        if not key.startswith("TORCH_AUTO_") or key in variables:
            continue
        # Closely: what another version adds, and what is read elsewhere (TORCH_AUTO_WARN), must not stop this one.
        close = _closest(key, variables, 0.94)
        if close:
            faults.append(f"{key}: there is no such variable; did you mean {close}?")
    return faults, notes


def _because(code: str, **values: Any) -> Reason:
    from torch_auto.select.reasons import because  # noqa: PLC0415  # most builds have nothing to note

    return because(code, **values)


def _closest(name: str, names: Sequence[str], similarity: float) -> str | None:
    import difflib  # noqa: PLC0415  # the right names need none of it

    return next(iter(difflib.get_close_matches(name, names, 1, similarity)), None)


def _backend(given: _Given, catalog: Catalog, faults: list[str]) -> str:
    from torch_auto.catalog.torch_backends import parse_or_none  # noqa: PLC0415  # most builds name none

    valid = (AUTO, *catalog.torch_backends, PUBLIC)
    if given.value in valid:
        return given.value
    if given.origin == "UV_TORCH_BACKEND" and parse_or_none(given.value) is not None:
        # uv knows more of them, and later ones than a catalog. No build of ours matches, which the pins then say; an
        # error here would end a resolution that may still find a release that has it.
        return given.value
    text = f"{given.origin}: {_shown(given.value)} is not a torch backend; it must be one of {', '.join(valid)}"
    if given.value == "none":
        text += ". For the command without torch, use the distribution torch-auto-core: uvx torch-auto-core"
    faults.append(text)
    return AUTO


def _pin(given: _Given, faults: list[str]) -> str:
    if given.value in (PREFER, EXACT):
        return given.value
    faults.append(f"{given.origin}: {_shown(given.value)} is not valid; pin must be one of {PREFER}, {EXACT}")
    return PREFER


def _groups(given: _Given, catalog: Catalog, faults: list[str]) -> tuple[Group, ...]:
    from torch_auto.select.groups import parse_groups  # noqa: PLC0415  # most builds are without groups

    try:
        return parse_groups(given.value, catalog)
    except ValueError as error:
        faults.append(f"{given.origin}: {error}")
        return ()


def _of_group(given: _Given, groups: tuple[Group, ...], faults: list[str]) -> str:
    """The torch backend of the group that `torch-auto sync` takes: what is cached for it is not served to another."""
    for group in groups:
        if group.name == given.value:
            return group.torch_backend
    names = ", ".join(group.name for group in groups) or "none, since there are no groups"
    faults.append(f"{given.origin}: there is no group {_shown(given.value)}; there are {names}")
    return AUTO


def _machine(given: _Given, faults: list[str]) -> Machine | None:
    from torch_auto.machine_file import MachineError, read_machine  # noqa: PLC0415  # most builds are for this machine

    path = given.value
    if not os.path.isabs(path):
        # A build runs in a folder of its own, so a relative path would never mean what its author saw.
        faults.append(
            f"{given.origin}: {_shown(path)} must be an absolute path, since a build runs in a folder of its own"
        )
        return None
    try:
        return read_machine(path)
    except OSError as error:
        faults.append(f"{given.origin}: {_shown(path)} cannot be read: {error.strerror or error}")
    except MachineError as error:
        faults.extend(f"{given.origin}: {_shown(path)}: {fault}" for fault in error.faults)
    except ValueError as error:  # a NUL in it
        faults.append(f"{given.origin}: {_shown(path)} cannot be read: {error}")
    return None


def _index_url(given: _Given, faults: list[str]) -> str:
    """The base of the index. It ends up in METADATA, so it is one printable line and holds no password."""
    from urllib.parse import urlsplit  # noqa: PLC0415  # the default needs none of it

    url = given.value.rstrip("/")
    try:
        parts = urlsplit(url)
        has_password = parts.username is not None or parts.password is not None
    except ValueError as error:
        what = f"{_shown(url)} is not a URL: {error}"
        # What is before an @ may be a password, which the error repeats too.
        faults.append(f"{given.origin}: {'it is not a URL' if '@' in url else what}")
        return DEFAULT_INDEX_URL
    if has_password:  # first, so that no other fault repeats it
        faults.append(
            f"{given.origin}: the URL holds a user name or password, which would end up in the wheel's METADATA; "
            "use netrc or a keyring"
        )
    elif parts.scheme not in ("http", "https", "file") or not (parts.netloc or parts.scheme == "file"):
        faults.append(
            f"{given.origin}: {_shown(url)} is not a URL; "
            f"valid is an http, https or file URL such as {DEFAULT_INDEX_URL}"
        )
    elif parts.query or parts.fragment:  # they may hold a token, so they are not repeated
        faults.append(f"{given.origin}: the URL must have no query and no fragment")
    elif _URL.fullmatch(url) is None:
        faults.append(f"{given.origin}: {_shown(url)} has characters that a plain URL does not have")
    else:
        return url
    return DEFAULT_INDEX_URL


def _uv_assumptions(environment: Mapping[str, str], faults: list[str]) -> tuple[str | None, str | None]:
    driver = environment.get("UV_CUDA_DRIVER_VERSION", "").strip() or None
    if driver is not None and _DRIVER_VERSION.fullmatch(driver) is None:
        faults.append(
            f"UV_CUDA_DRIVER_VERSION: {_shown(driver)} is not a driver version; valid is one such as 550.54.14"
        )
        driver = None
    gfx = environment.get("UV_AMD_GPU_ARCHITECTURE", "").strip() or None
    if gfx is not None and _GFX_TARGET.fullmatch(gfx) is None:
        faults.append(f"UV_AMD_GPU_ARCHITECTURE: {_shown(gfx)} is not a GPU architecture; valid is one such as gfx1100")
        gfx = None
    return driver, gfx


def read(
    catalog: Catalog,
    config: Mapping[str, Any] | None = None,
    environment: Mapping[str, str] | None = None,
    label: str = "config setting ",
) -> Settings:
    """The settings in the frontend's config settings and in the environment.

    ``label`` is what a config setting's name is preceded by in messages; the command says "--".

    Raises:
        SettingsError: one or more of them are wrong; it names all of them.
    """
    config = {} if config is None else config
    environment = os.environ if environment is None else environment
    faults, notes = _slips(config, environment)
    given = _given(config, environment, label, faults)
    backend = _backend(given["backend"], catalog, faults) if "backend" in given else AUTO
    pin = _pin(given["pin"], faults) if "pin" in given else PREFER
    machine = _machine(given["machine"], faults) if "machine" in given else None
    index_url = _index_url(given["index-url"], faults) if "index-url" in given else DEFAULT_INDEX_URL
    groups = _groups(given["groups"], catalog, faults) if "groups" in given else ()
    if "group" in given and backend == AUTO:
        backend = _of_group(given["group"], groups, faults)
    driver, gfx = _uv_assumptions(environment, faults)
    if faults:
        raise SettingsError(faults)
    if groups and all(group.torch_backend != backend for group in groups):
        # The groups are a team's and the torch backend one person's, so it is not a fault.
        if backend != AUTO:
            notes.append(_because("backend-without-group", torch_backend=backend, origin=given["backend"].origin))
        backend = AUTO
    if (driver or gfx) and (backend != AUTO or machine is not None):
        notes.append(_because("assumptions-not-used"))
    shown = tuple((name, item.value, item.origin) for name, item in given.items() if item.value != AUTO)
    if shown:
        listed = tuple(f"{name}={value} (from {origin})" for name, value, origin in shown)
        notes.insert(0, _because("settings", settings=listed))
    return Settings(backend, pin, machine, index_url, driver, gfx, tuple(notes), groups, shown)
