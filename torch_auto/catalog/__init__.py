"""What PyTorch publishes, and what each build runs on: the types, the records in ``data/``, and their loading."""

from __future__ import annotations

from torch_auto.catalog.drivers import version_key
from torch_auto.catalog.files import DATA, CatalogError
from torch_auto.catalog.loading import load
from torch_auto.catalog.model import Build, Catalog, PlatformBuilds, Release, UnknownReleaseError
from torch_auto.catalog.torch_backends import TorchBackend

__all__ = [
    "DATA",
    "Build",
    "Catalog",
    "CatalogError",
    "PlatformBuilds",
    "Release",
    "TorchBackend",
    "UnknownReleaseError",
    "load",
    "version_key",
]
