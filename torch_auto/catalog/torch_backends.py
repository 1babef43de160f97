"""A torch backend: what PyTorch calls the kinds of its builds, such as cpu, cu126, rocm7.2 and xpu."""

from __future__ import annotations

import re
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from typing_extensions import Self

#: "cu126" is CUDA 12.6, "cu1310" CUDA 13.10, and "cu92" was CUDA 9.2: two digits are the major version from 10 on. So
#: "cu13" is none: NVIDIA's own packages call CUDA 13 so, and there was no CUDA 1.3 build.
_CUDA = re.compile(r"cu(?:([5-9])(\d)|([1-9]\d)(\d{1,2}))", re.ASCII)
_ROCM = re.compile(r"rocm(\d{1,2}(?:\.\d{1,2}){0,3})", re.ASCII)
_VENDORS = (None, "nvidia", "amd", "intel")


class TorchBackend(str):
    """The name of a torch backend. Names sort cpu first, then each vendor's with the oldest version first.

    ``toolkit`` is the CUDA toolkit version (12, 6) that the name says, which is neither a driver version nor a CUDA
    driver version; ``rocm`` the ROCm version (7, 2); both are None for others. ``vendor`` is that of the GPUs.
    """

    __slots__ = ("rocm", "toolkit", "vendor")

    toolkit: tuple[int, int] | None
    rocm: tuple[int, ...] | None
    vendor: str | None

    def __new__(cls, text: str) -> Self:
        """Parse a name.

        Raises:
            ValueError: it is not the name of a torch backend.
        """
        found = super().__new__(cls, text)
        cuda, rocm = _CUDA.fullmatch(text), _ROCM.fullmatch(text)
        if cuda is None and rocm is None and text not in ("cpu", "xpu"):
            raise ValueError(f"{text!r} is not a torch backend, such as cpu, cu126, rocm7.2 or xpu")
        found.toolkit = (int(cuda[1] or cuda[3]), int(cuda[2] or cuda[4])) if cuda is not None else None
        found.rocm = tuple(map(int, rocm[1].split("."))) if rocm is not None else None
        found.vendor = "nvidia" if cuda is not None else "amd" if rocm is not None else None
        if text == "xpu":
            found.vendor = "intel"
        return found

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)

    @property
    def key(self) -> tuple[int, tuple[int, ...]]:
        """What names sort by."""
        return _VENDORS.index(self.vendor), self.toolkit or self.rocm or ()

    # str compares as text, by which cu1310 comes before cu132.
    def __lt__(self, other: Any) -> bool:
        return self.key < _of(other).key

    def __le__(self, other: Any) -> bool:
        return self.key <= _of(other).key

    def __gt__(self, other: Any) -> bool:
        return self.key > _of(other).key

    def __ge__(self, other: Any) -> bool:
        return self.key >= _of(other).key

    @property
    def group(self) -> str:
        """The name of its dependency group, as tools write it (PEP 735, normalized): "torch-rocm7-1"."""
        return "torch-" + self.replace(".", "-")


@lru_cache(maxsize=None)
def parse(text: str) -> TorchBackend:
    """The torch backend of a name; a few names recur in hundreds of records.

    Raises:
        ValueError: it is not the name of a torch backend.
    """
    return TorchBackend(text)


CPU = parse("cpu")


def parse_or_none(text: str) -> TorchBackend | None:
    """The torch backend of a name, or None where it is another text."""
    try:
        return parse(text)
    except ValueError:
        return None


def _of(other: str) -> TorchBackend:
    return other if isinstance(other, TorchBackend) else TorchBackend(other)
