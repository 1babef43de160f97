"""A wheel of a few files (packaging.python.org/specifications/binary-distribution-format), for this machine alone."""

from __future__ import annotations

import base64
import hashlib
import os
import zipfile

from torch_auto import __version__, record

#: Files of an unpacked sdist that a wheel has as well, by their place in the dist-info folder.
_LICENSES = ("LICENSE",)
#: The first moment that a zip can name: the same wheel has the same bytes whenever it is built.
_DATE = (1980, 1, 1, 0, 0, 0)


def platform_tag() -> str:
    """The tag of wheels for this machine alone: linux_x86_64, and never manylinux, which promises more."""
    from packaging.tags import platform_tags  # noqa: PLC0415  # 20 ms that the command's other uses need not pay

    tags = list(platform_tags())
    plain = [tag for tag in tags if tag.startswith("linux_")]
    return plain[0] if plain else tags[0]


def write_wheel(directory: str, scratch: str, prepared: str) -> str:
    """Write a wheel of what was prepared, a dist-info folder; returns its name. It appears whole or not at all.

    Raises:
        OSError: something cannot be read or written.
    """
    dist_info = os.path.basename(os.path.normpath(prepared))
    tag = f"py3-none-{platform_tag()}"
    files = {"METADATA": _read(prepared, "METADATA")}
    files["WHEEL"] = "\n".join(
        ["Wheel-Version: 1.0", f"Generator: torch-auto-core {__version__}", "Root-Is-Purelib: false", f"Tag: {tag}", ""]
    ).encode()
    if os.path.isfile(os.path.join(prepared, record.FILE)):  # a frontend may hand on METADATA alone
        files[record.FILE] = _read(prepared, record.FILE)
    for name in _LICENSES:
        files[f"licenses/{name}"] = _read(".", name)
    listed = [f"{dist_info}/{name},sha256={_digest(data)},{len(data)}" for name, data in files.items()]
    files["RECORD"] = "\n".join([*listed, f"{dist_info}/RECORD,,", ""]).encode()
    name = f"{dist_info[: -len('.dist-info')]}-{tag}.whl"
    temporary = os.path.join(scratch, name)
    with zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for place, data in files.items():
            entry = zipfile.ZipInfo(f"{dist_info}/{place}", _DATE)
            entry.external_attr = 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    os.replace(temporary, os.path.join(directory, name))
    return name


def _read(folder: str, name: str) -> bytes:
    with open(os.path.join(folder, name), "rb") as file:
        return file.read()


def _digest(data: bytes) -> str:
    """The digest as RECORD has it: urlsafe base64 without padding."""
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
