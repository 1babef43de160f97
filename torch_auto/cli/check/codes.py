"""The codes of ``torch-auto check``. They are stable: a program goes by the code and the status, never by the text.

fail: what is installed does not work here. warn: it works, and could be better, or will not work next time. Nothing
that works is a fail.
"""

from __future__ import annotations

from typing import NamedTuple


class Code(NamedTuple):
    """The statuses that a finding of a code can have, and what it means."""

    statuses: tuple[str, ...]
    meaning: str


_OK, _WARN, _FAIL = ("ok",), ("warn",), ("fail",)

CODES: dict[str, Code] = {
    "machine.ok": Code(_OK, "the newest torch that this machine could have"),
    "machine.unsupported": Code(_OK, "no torch runs on the GPU, and nobody can change it; torch uses the CPU"),
    "machine.no-driver": Code(_WARN, "NVIDIA's driver is not installed or not loaded"),
    "machine.old-driver": Code(_WARN, "the driver is too old for every torch that has code for the GPU"),
    "machine.lacks-library": Code(_WARN, "a library of the driver is missing, without which torch finds no GPU"),
    "machine.python": Code(_WARN, "only other Pythons have a torch that runs on the GPU"),
    "machine.no-release": Code(_FAIL, "no release of torch installs on this system with this Python"),
    "environment.missing": Code(_WARN, "the project does not have an environment yet"),
    "environment.read-only": Code(_OK, "you cannot write the environment, as in an image: no command is printed"),
    "torch.ok": Code(_OK, "what is installed works, and is as it should be"),
    "torch.unknown": Code(_OK, "this command does not know the installed build"),
    "torch.missing": Code(_FAIL, "torch is not installed"),
    "torch.no-code": Code(_FAIL, "the build has no code for the GPU"),
    "torch.driver": Code(_FAIL, "the driver is too old for the build"),
    "torch.vendor": Code(_FAIL, "the build is for another vendor's GPUs"),
    "torch.unfit": Code(_FAIL, "the build does not run on the GPU for another reason"),
    "torch.cpu": Code(_FAIL, "a CPU build, and the GPU is left unused"),
    "torch.cpu-asked": Code(_WARN, "the same, and a setting or the project's groups asked for it"),
    "torch.partly": Code(_WARN, "the build runs on a lesser GPU of the machine, and not on the best"),
    "torch.other": Code(_WARN, "it works, and torch-auto requires another one"),
    "torch.pypi": Code(_WARN, "PyPI's build works, and PyTorch's page that is named has the exact one"),
    "torch.large": Code(_WARN, "a build for GPUs, and the machine has none that it could use"),
    "torch-auto.ok": Code(_OK, "it was built for this machine, or what it was built for still works"),
    "torch-auto.absent": Code(_OK, "torch works without it"),
    "torch-auto.missing": Code(_WARN, "it is not installed"),
    "torch-auto.stale": Code(_FAIL, "it was built for another machine, and the installed torch does not work here"),
    "torch-auto.no-torch": Code(_FAIL, "its release has no torch for this machine"),
    "torch-auto.unknown": Code(_WARN, "this command does not know its release"),
    "torch-auto.newer": Code(_WARN, "a newer core wrote its record; nothing else is looked at"),
    "companion.ok": Code(_OK, "torchvision or torchaudio is for the installed torch"),
    "companion.release": Code(_FAIL, "it is for another release of torch"),
    "companion.torch-backend": Code(_FAIL, "it is for another torch backend: it does not import, or fails"),
    "companion.cuda": Code(_WARN, "it is for another CUDA version of the same major"),
    "companion.cpu": Code(_WARN, "it is for the CPU, and torch for a GPU"),
    "companion.numpy": Code(_WARN, "torch was compiled for NumPy 1, and NumPy 2 is installed"),
    "requirement.broken": Code(_WARN, "another package requires another torch"),
    "lock.ok": Code(_OK, "the lock holds a torch that works here"),
    "lock.no-torch-auto": Code(_WARN, "the lock does not hold torch-auto"),
    "lock.unknown": Code(_WARN, "the lock holds a release of torch-auto that this command does not know"),
    "lock.no-torch": Code(_FAIL, "the lock holds no torch for this machine"),
    "lock.no-files": Code(_FAIL, "the lock holds a torch without a file for this system"),
    "lock.other-machine": Code(("fail", "warn"), "the lock was made for another kind of machine"),
    "lock.older": Code(_WARN, "the lock is older than the pages: it holds PyPI's build, and a better one is there"),
    "pages.ok": Code(_OK, "PyTorch's pages are named, or not needed"),
    "pages.missing": Code(_WARN, "PyTorch's pages have a better build, and are not named"),
    "pages.hide-pypi": Code(_WARN, "an index of PyTorch's hides PyPI: numpy and others come from it, years old"),
    "groups.faulty": Code(_FAIL, "the project's torch groups contradict each other"),
    "group.ok": Code(_OK, "the group that this machine takes"),
    "group.none": Code(_FAIL, "no group installs here"),
    "group.no-gpu": Code(_WARN, "no group runs on the GPU, and another torch backend would"),
    "group.record": Code(_WARN, "torch-auto was built without the project's groups, or for another one"),
    "group.requires-torch": Code(_FAIL, "torch-auto was built without the groups, and requires a torch of its own"),
    "group.extras": Code(_WARN, "an extra of torch-auto has no effect beside groups"),
    "group.lock": Code(_FAIL, "uv.lock is not there, or lacks a group's torch"),
}  # fmt: skip
