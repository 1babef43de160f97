"""What a label needs: the local version of a pin that nothing satisfies, ``torch==2.9.1+needs.nvidia.driver.580``.

A resolver goes on to another release then, and prints the label where there is none. Nobody can upload such a torch:
an index refuses a file whose own version has a local part.
"""

from __future__ import annotations

DRIVER, NEWER, OLDER, GLIBC, APPLE, BUILD, BACKEND, PROJECT, SIGHTING, MACOS = (
    "nvidia-driver",
    "newer-torch",
    "older-torch",
    "glibc",
    "apple-silicon",
    "pair",
    "torch-backend",
    "project",
    "sighting",
    "macos",
)

_UNSEEN = ".not.yet.seen"

PREFIX = "needs."

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing_extensions import Self


class Needs(str):
    """A label without its prefix: "nvidia.driver.580". ``kind`` is one of those above, ``value`` what it is about."""

    __slots__ = ("kind", "value")

    kind: str
    value: str

    def __new__(cls, text: str) -> Self:
        """Parse a label; one that no other form fits names a torch backend that no release has, or a project."""
        found = super().__new__(cls, text)
        head, _, tail = text.rpartition(".")
        if text.startswith("nvidia.driver."):
            found.kind, found.value = DRIVER, text[len("nvidia.driver.") :]
        elif text.startswith("torch.") and text.endswith((".or.newer", ".or.older")):
            found.kind, found.value = NEWER if tail == "newer" else OLDER, text[len("torch.") : -len(".or.newer")]
        elif text == "glibc" or text.startswith("glibc."):
            found.kind, found.value = GLIBC, text[len("glibc.") :]
        elif text == "macos.arm64":
            found.kind, found.value = APPLE, ""
        elif text.startswith("macos."):
            found.kind, found.value = MACOS, text[len("macos.") :]
        elif text.endswith(_UNSEEN):
            found.kind, found.value = SIGHTING, text[: -len(_UNSEEN)]
        elif tail == "build":
            found.kind, found.value = BUILD, head
        elif text in ("torchvision", "torchaudio"):
            found.kind, found.value = PROJECT, text
        else:
            found.kind, found.value = BACKEND, text
        return found

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)

    @property
    def local_version(self) -> str:
        """The local version of the pin: "needs.nvidia.driver.580"."""
        return PREFIX + self


def needs_driver(version: str) -> Needs:
    """An NVIDIA driver of this version or newer."""
    return Needs(f"nvidia.driver.{version}")


def needs_torch(release: str, *, newer: bool) -> Needs:
    """A release of torch or one that is newer, or older."""
    return Needs(f"torch.{release}.or.{'newer' if newer else 'older'}")


def needs_glibc(version: str = "") -> Needs:
    """A glibc or newer; without a version, a system with glibc."""
    return Needs(f"glibc.{version}" if version else "glibc")


def needs_macos(version: tuple[int, int]) -> Needs:
    """A macOS or newer."""
    major, minor = version
    return Needs(f"macos.{major}.{minor}" if minor else f"macos.{major}")


def needs_sighting(torch_backend: str) -> Needs:
    """A build that may be published, and that nobody has seen so far."""
    return Needs(torch_backend + _UNSEEN)


def needs_build(torch_backend: str) -> Needs:
    """A build of torchvision or torchaudio for this torch backend."""
    return Needs(f"{torch_backend}.build")
