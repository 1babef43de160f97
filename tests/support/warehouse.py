"""What PyPI refuses on upload, as far as it can be known from a file: the rules of pypi/warehouse in words of our own.

Read in 2026, when metadata 2.5 and macOS 26 were the newest that it knew: warehouse/forklift/legacy.py (file names,
archive layout, platform tags, licence files) and warehouse/forklift/metadata.py (METADATA and PKG-INFO). Their
renderer of the description, readme_renderer, is run by the tests themselves.
"""

from __future__ import annotations

import re
import tarfile
import zipfile
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from packaging.metadata import ExceptionGroup, InvalidMetadata, Metadata
from packaging.utils import parse_sdist_filename, parse_wheel_filename
from trove_classifiers import classifiers, deprecated_classifiers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MAC = "(ppc|ppc64|i386|x86_64|arm64|intel|fat|fat3|fat64|universal|universal2)"
_LINUX = "(x86_64|i686|aarch64|armv7l|ppc64le|s390x|riscv64)"
#: legacy.py, _valid_platform_tag. A plain linux_x86_64 is not among them: it promises nothing of the libc.
_PLATFORMS = re.compile(
    r"any|win32|win_(amd64|arm64|ia64)|linux_armv[67]l"
    r"|manylinux(1|2010)_(x86_64|i686)|manylinux2014_(x86_64|i686|aarch64|armv7l|ppc64|ppc64le|s390x)"
    rf"|manylinux_\d+_\d+_({_LINUX}|ppc64)|musllinux_\d+_\d+_{_LINUX}"
    rf"|macosx_10_\d+_{_MAC}|macosx_(11|12|13|14|15|26)_0_{_MAC}"
    r"|ios_\d+_\d+_(arm64|x86_64)_(iphoneos|iphonesimulator)|android_\d+_(armeabi_v7a|arm64_v8a|x86|x86_64)",
    re.ASCII,
)
#: metadata.py. Version, Name and Metadata-Version are what PEP 643 never allows to be dynamic.
_METADATA_VERSIONS = ("1.0", "1.1", "1.2", "2.1", "2.2", "2.3", "2.4", "2.5")
_NEVER_DYNAMIC = ("name", "version", "metadata-version")
_LONGEST_SUMMARY, _LONGEST_LABEL = 512, 32


def takes_platform(tag: str) -> bool:
    """Whether PyPI takes wheels with this platform tag."""
    return _PLATFORMS.fullmatch(tag) is not None


def refusals(path: Path) -> list[str]:
    """Why PyPI refuses an sdist or a wheel; empty where it takes it."""
    return list(_of_sdist(path) if path.name.endswith(".tar.gz") else _of_wheel(path))


def _of_sdist(path: Path) -> Iterator[str]:
    with tarfile.open(path) as archive:
        names = archive.getnames()
        tops = {name.split("/")[0] for name in names}
        if len(tops) != 1:
            yield f"{len(tops)} folders at the top"
        file = archive.extractfile(f"{min(tops)}/PKG-INFO") if f"{min(tops)}/PKG-INFO" in names else None
        if file is None:
            yield "no PKG-INFO"
            return
        text = file.read()
    metadata, faults = judge_metadata(text)
    yield from faults
    if metadata is None:
        return
    project, version = parse_sdist_filename(path.name)
    if (project, version) != (metadata.name, metadata.version):
        yield f"the file is named for {project} {version}"
    if path.name != f"{metadata.name.replace('-', '_')}-{metadata.version}.tar.gz":
        yield "the file's name is not normalised (PEP 625)"
    yield from (f"no {name}" for name in metadata.license_files or () if f"{min(tops)}/{name}" not in names)


def _of_wheel(path: Path) -> Iterator[str]:
    project, version, _, tags = parse_wheel_filename(path.name)
    for tag in sorted(tags, key=str):
        if not takes_platform(tag.platform):
            yield f"platform tag {tag.platform!r}"
    folder = f"{path.name.split('-')[0]}-{version}.dist-info"
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        missing = [name for name in ("WHEEL", "RECORD", "METADATA") if f"{folder}/{name}" not in names]
        yield from (f"no {name}" for name in missing)
        if missing:
            return
        metadata, faults = judge_metadata(archive.read(f"{folder}/METADATA"))
    yield from faults
    if metadata is None:
        return
    if (project, version) != (metadata.name, metadata.version):
        yield f"the file is named for {project} {version}"
    licences = metadata.license_files or ()
    yield from (f"no licence {name}" for name in licences if f"{folder}/licenses/{name}" not in names)


def judge_metadata(text: bytes) -> tuple[Metadata | None, list[str]]:
    """A PKG-INFO or METADATA, None where it is not even valid, and why PyPI refuses it."""
    try:
        metadata = Metadata.from_email(text, validate=True)
    except ExceptionGroup as group:
        return None, [str(error) for error in group.exceptions]
    except InvalidMetadata as error:
        return None, [str(error)]
    return metadata, list(_of_metadata(metadata))


def _of_metadata(metadata: Metadata) -> Iterator[str]:
    if metadata.metadata_version not in _METADATA_VERSIONS:
        yield f"metadata version {metadata.metadata_version}"
    if metadata.version.local is not None:
        yield f"the local version {metadata.version.local} of its own version"
    if len(metadata.summary or "") > _LONGEST_SUMMARY:
        yield "a long summary"
    for classifier in metadata.classifiers or ():
        if classifier not in classifiers or classifier in deprecated_classifiers:
            yield f"classifier {classifier!r}"
    for label, url in (metadata.project_urls or {}).items():
        if not 0 < len(label) <= _LONGEST_LABEL or not all(urlsplit(url)[:2]):
            yield f"project URL {label!r}, {url!r}"
    for requirement in metadata.requires_dist or ():
        if requirement.url is not None:  # the one thing that is refused of a requirement: local versions are not
            yield f"the URL of {requirement}"
    yield from (f"dynamic {name}" for name in metadata.dynamic or () if name in _NEVER_DYNAMIC)
    if metadata.license and metadata.license_expression:
        yield "License beside License-Expression"
