"""The one place where reasons and labels become sentences.

Nothing decides by what is written here, and a build that only prepares METADATA does not import it.
"""

from __future__ import annotations

from torch_auto.select import needs as labels
from torch_auto.select.reasons import Reason

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from torch_auto.select.needs import Needs

_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}

#: A sentence, or a part of one, by the code of a reason. {name} is one of its values; those of the functions below
#: depend on several values.
_SENTENCES = {
    # Why a build does not run on a device: parts of sentences.
    "libc-not-glibc": "its wheels are made for glibc, and this system has {libc}",
    "libc-too-old": "its wheels need glibc {needs}, and this system has {has}",
    "ptx-alone": "it holds only PTX for compute capability {capability}, which needs a driver that supports CUDA "
    "{toolkit} natively; this one supports {cuda}",
    "tegra": "it is a Jetson module, which NVIDIA's own wheels serve (see NVIDIA's Jetson downloads)",
    "tegra-until": "it is a Jetson Orin, which NVIDIA's own wheels serve up to JetPack 6 (see NVIDIA's Jetson "
    "downloads); from JetPack 7.2 (L4T R39) on PyTorch's builds for CUDA {toolkit} and newer run on it",
    "not-for-tegra": "builds for CUDA older than {toolkit} do not run on a Jetson Orin",
    "no-driver": "NVIDIA's driver is not installed or not loaded",
    "no-kfd": "the kernel's compute driver does not tell what it is (it needs amdgpu with KFD, in Linux 5.16 or newer)",
    "no-gfx-code": "it is not built for {gfx_target}",
    "unknown-xpu": "PCI id {pci_id} is in no table of Intel's GPUs; if it is Arc or newer, the setting backend=xpu "
    "takes the XPU build",
    "not-an-xpu": "PyTorch's XPU builds do not support PCI id {pci_id}",
    # Why a build is not taken: parts of sentences.
    "not-a-group": "it is not among the groups",
    "unseen": "not yet seen on PyTorch's index for {platform}, as of {as_of}, so it is not pinned",
    "for-unknown": "it is not known, as of {as_of}, which GPUs or drivers it is for, so it is not pinned",
    "own-index": "its wheels require packages that only an index of their own has, which PyTorch's pages do not list",
    "not-for-python": "it does not come for Python {python}",
    "not-here": "it does not install on this system",
    "doubtful": "sources contradict each other about the code that it holds, so {than} comes before it",
    "no-gpu-for-it": "there is no GPU that it could use",
    # Why a release gives what it gives.
    "asked-for": "The setting asks for {torch_backend}.",
    "asked-for-pypi": "The setting backend=pypi asks for PyPI's builds, on every machine.",
    "never-on-platform": "PyTorch does not have a {torch_backend} build for {platform}, so PyPI's build is taken.",
    "not-in-catalog": "No release in this catalog, of {as_of}, is known to have a {torch_backend} build.",
    "build-in-other-releases": "torch {release} does not have such a build; torch {releases} do.",
    "asked-own-index": "Its wheels require packages that only an index of their own has: name that index, too.",
    "not-a-platform": "PyTorch publishes no builds for {system} on {architecture}. PyPI's build is required, so that "
    "the installer says so.",
    "libc": "torch {release} does not install here: {why}.",
    "macos-too-old": "torch {release} needs macOS {needs} or newer, and this machine has {has}.",
    "wheels-elsewhere": "PyTorch publishes torch {torch} for {system} on {architecture}, and torch-auto does not pin "
    "it: require torch=={torch} yourself, with PyTorch's page. PyPI's build is required, so that the installer says "
    "that there is none.",
    "apple-silicon": "macOS on Apple silicon has one build, PyPI's; it uses the GPU through MPS.",
    "chosen-for": "Chosen for {device}.",
    "driver-untold": "NVIDIA's driver is loaded, and nothing tells its version: {torch_backend} needs driver {needs} "
    "or newer.",
    "xpu-newer": "PCI id {pci_id} is in no table. Its driver {driver} drives no old GPU of that id, so it is taken for "
    "a newer one than PyTorch lists.",
    "no-gpu": "No GPU was found, so the CPU build is taken.",
    "no-usable-gpu": "torch can use none of the GPUs, so the CPU build is taken.",
    "pypi-is-large": "PyPI's build of {release} is {torch_backend}: it runs on the CPU too, but brings GPU libraries "
    "along. With PyTorch's page the much smaller cpu build is taken.",
    "not-on-pypi": "PyPI does not have a build of torch {release} for {platform}, so PyTorch's page is needed.",
    "pypi-is-the-same": "PyPI's build of {release} is {torch_backend} too, so PyTorch's page is not needed.",
    "pypi-runs-too": "PyPI's build of {release} ({torch_backend}) runs on the same GPUs, so it serves without "
    "PyTorch's page.",
    "pypi-never-runs": "PyPI's build of {release} ({torch_backend}) does not use this GPU, and no release's does. It "
    "is allowed all the same, so that something installs. With PyTorch's page {wanted} is installed.",
    "other-pythons-alone": "{device}: torch {releases} run on it, but none of their builds comes for Python {python}.",
    "nothing-published": "{device}: PyTorch publishes no builds for it on this system.",
    "no-code-anywhere": "{device}: no build of torch {releases} has code for it on this system.",
    "no-code-without-override": "{device}: no build of torch {releases} has code for it on this system. With "
    "HSA_OVERRIDE_GFX_VERSION={value} ROCm takes it for {gfx_target}, which builds have code for. AMD does not support "
    "that: set the variable, try, and have torch-auto look again.",
    "amd-on-windows": "{device}: PyTorch publishes no ROCm builds for Windows. AMD publishes its own: see "
    "rocm.docs.amd.com, Install PyTorch on ROCm.",
    "nvidia-on-windows-arm": "{device}: PyTorch publishes no CUDA builds for Windows on ARM. NVIDIA publishes its own "
    "for RTX Spark: see docs.nvidia.com/rtx-spark.",
    "cannot-be-used": "{device} cannot be used: {why}.",
    "no-wheels-for-implementation": "torch {release} does not have wheels for {implementation}, but for CPython.",
    "old-numpy": "torch {release} was compiled for NumPy 1 on this system: it cannot exchange arrays with NumPy 2. "
    "Require numpy<2 as well.",
    "library-gap": "it runs on this machine too, but its {library}, for {purpose}, has no code for compute capability "
    "{capability}",
    "no-wheels-for-python": "torch {release} does not have wheels for Python {python}; it has them for {pythons}.",
    # Settings.
    "unknown-setting": "The config setting {name!r} is not one of torch-auto's ({valid}); it was not used.",
    "backend-without-group": "There is no group for backend={torch_backend} ({origin}), so it was not used.",
    "assumptions-not-used": "UV_CUDA_DRIVER_VERSION and UV_AMD_GPU_ARCHITECTURE were not used: a setting says "
    "otherwise.",
    "settings": "Settings: {settings}.",
    # Groups.
    "no-group-for-python": "{device}: no group runs on it; torch {release} does not have wheels for Python {python}.",
    "group-taken": "{group} is taken",
    "same-in-every-group": "{group}: every group gives that build.",
    "gpu-build-on-cpu": "It runs on the CPU there, and takes some 3 GB with its GPU libraries; cpu takes about 200 MB.",
    "no-group-for-gpu": "No group runs on a GPU of this machine, so {group} is taken.",
    "group-for-cpu": "No GPU was found, so {group} is taken.",
    "first-group": "There is no torch-cpu group, so the first group is used: torch {torch}.",
    "group-lacks-build": "torch {release} does not have such a build for {platform} and Python {python}, so torch "
    "{torch} is taken.",
    # Extras.
    "no-torch": "No torch is asked for.",
    "pair-unknown": "The catalog does not know a {project} for torch {release}.",
    "pair-on-pypi": "PyPI's {project} {version} is {torch_backend}, as PyPI's torch is.",
    "pair-exact": "{project} {version}+{torch_backend} and torch {release}+{torch_backend}, so that both use the same "
    "torch backend; needs the page of {project}, PyPI does not have this build.",
    "pair-public": "PyPI's {project} {version} is {torch_backend}, as torch {release} is here.",
    "pair-missing": "{project} {version} does not have a {torch_backend} build for {platform} that could be pinned, to "
    "go with torch {release}.",
    "torch-not-for-machine": "This torch release does not support this machine.",
    "no-builds-here": "PyTorch does not have builds for this system.",
}


def sentence(reason: Reason) -> str:
    """A reason in words; one of a newer torch-auto, whose code is not known here, by its code and values."""
    special = _SPECIAL.get(reason.code)
    if special is not None:
        return special(dict(reason.values))
    if reason.code not in _SENTENCES:
        values = ", ".join(f"{name}={_shown(value)}" for name, value in reason.values)
        return f"{reason.code}{f' ({values})' if values else ''}, a reason of a newer torch-auto."
    return _SENTENCES[reason.code].format(**{name: _shown(value) for name, value in reason.values})


def sentences(reasons: Iterable[Reason]) -> list[str]:
    """Reasons in words, each once."""
    return list(dict.fromkeys(map(sentence, reasons)))


def _shown(value: Any) -> str:
    if isinstance(value, Reason):  # a part of a sentence, but for one whose code is not known here
        return sentence(value).rstrip(".")
    if isinstance(value, tuple):
        return _runs(value) if value and isinstance(value[0], tuple) else ", ".join(map(str, value))
    return str(value)


def _runs(runs: tuple[tuple[str, str], ...]) -> str:
    """Runs of releases as a person says them: "2.4.0 to 2.4.1 and 2.7.0 to 2.13.0"."""
    return listed([first if first == last else f"{first} to {last}" for first, last in runs])


def listed(items: Sequence[str]) -> str:
    """["a", "b", "c"] as "a, b and c"."""
    return " and ".join(filter(None, [", ".join(items[:-1]), items[-1]])) if items else "none"


# --- sentences that depend on several values -------------------------------------------------------------------------

_HOW = {
    "only": "it is the only one.",
    "newest-rocm": "it has the newest ROCm.",
    "oldest": "its toolkit {toolkit} is the oldest, and nothing tells what this driver supports.",
    "complete": "its libraries have code for this GPU too, which those of {lacking} do not have.",
    "newest-native": "its toolkit {toolkit} is the newest that {driver} (CUDA {cuda}) supports natively.",
    "closest-newer": "its toolkit {toolkit} is the closest to {driver} (CUDA {cuda}); it is newer, and runs by "
    "NVIDIA's minor version compatibility.",
    "older-major": "its toolkit {toolkit} is the newest; {driver} (CUDA {cuda}) runs older major versions as well.",
    "newer-major": "its toolkit {toolkit} is the closest to {driver} (CUDA {cuda}), whose version is new enough for "
    "that major version.",
}


def _best_build(values: dict[str, Any]) -> str:
    """The choice among a release's builds, or among a project's groups."""
    among, name = "builds", values["torch_backend"]
    if values["of"] == "groups":
        among, name = "groups", "torch-" + name.replace(".", "-")
    where = "on it and on the most other GPUs" if values["others"] else "on it"
    if among == "builds":  # others may run, and need an index of their own, or were not seen
        where += " and can be pinned"
    driver = f"driver {values['driver']}" if values.get("driver") else "this driver"
    lacking = listed(values.get("lacking") or ())
    how = _HOW[values["how"]].format(
        toolkit=values.get("toolkit"), cuda=values.get("cuda"), driver=driver, lacking=lacking
    )
    return f"{name}: of the {among} of torch {values['release']} that run {where}, {how}"


def _no_code(values: dict[str, Any]) -> str:
    """A CUDA build without code for a compute capability."""
    return f"it holds code for {', '.join(values['holds'])}, none of which runs on {values['capability']}"


def _driver_too_old(values: dict[str, Any]) -> str:
    """A driver below the floor of a toolkit's major version; its version is known, or that of its CUDA alone."""
    has = f"driver {values['has']}" if values["has"] else f"a driver for CUDA {values['cuda']}"
    if values["needs"] is None:
        return f"which driver CUDA {values['toolkit_major']} needs is not known yet, and this machine has {has}"
    needs = f"driver {values['needs']} or newer"
    return f"CUDA {values['toolkit_major']} needs {needs}, and this machine has {has}"


def _other_vendor(values: dict[str, Any]) -> str:
    """A build for others' GPUs, or for none."""
    vendor = values["vendor"]
    return f"it is made for {_VENDORS.get(vendor, vendor)} GPUs" if vendor else "it uses no GPU"


def _runs_too(values: dict[str, Any]) -> str:
    """A build that would run, and why another one is taken."""
    return (
        f"it runs on this machine too, but {values['than'] or 'another one'} comes before it in the order of preference"
    )


def _lacks_code(values: dict[str, Any]) -> str:
    """A library that the build brings along has no code for the GPU, and which release has one that has."""
    text = (
        f"{values['library']}, which {values['torch_backend']} of torch {values['release']} brings along for "
        f"{values['purpose']}, has no code for compute capability {values['capability']}."
    )
    if values["complete"] is None:
        return text
    return f"{text} If you need {values['purpose']}, ask for torch {values['complete']}, which has it."


def _lacks_library(values: dict[str, Any]) -> str:
    """A library of the driver's that torch computes through, and how to get it."""
    library = values["library"]
    text = f"{library} was not found, and without it torch does not find the GPU."
    if values["vendor"] == "intel":
        return f"{text} It is part of Intel's compute driver (Debian and Ubuntu: libze-intel-gpu1)."
    return (
        f"{text} It is part of NVIDIA's driver (Debian: libcuda1); a container gets it with --gpus all and the "
        "capability compute (NVIDIA_DRIVER_CAPABILITIES)."
    )


def _xpu_not_listed(values: dict[str, Any]) -> str:
    """A GPU that PyTorch's documentation does not list, or did not list yet."""
    text = f"{values['family']}: PyTorch's documentation does not list it"
    if values["since"] is not None:
        return f"{text} before torch {values['since']}; torch {values['release']} compiles its code on first use."
    return f"{text}, so it is not validated; torch compiles its code for it on first use."


def _fewer_gpus(values: dict[str, Any]) -> str:
    """A build that would run on some of the GPUs."""
    return f"it runs on this machine too, but on fewer of its GPUs than {values['than']}"


def _left_out(values: dict[str, Any]) -> str:
    """A GPU that the build does not serve."""
    text = f"{values['device']} is left out: {_shown(values['why'])}; "
    if values["here"]:
        return text + "another build of this release runs on it, but not on the more capable GPU."
    return text + f"torch {_runs(values['releases'])} have builds that run on it."


def _device(values: dict[str, Any], otherwise: str) -> str:
    """The GPU that a sentence is about; a record of an older core does not have it."""
    return str(values.get("device") or otherwise)


def _other_releases(values: dict[str, Any]) -> str:
    """A release without a build for the GPU, where others have one."""
    text = f"torch {values['release']} does not have a build that runs on {_device(values, 'it')} and can be pinned"
    return f"{text}; torch {_runs(values['releases'])} do."


def _not_yet_seen(values: dict[str, Any]) -> str:
    """A release whose build for the GPU nobody has seen yet."""
    return (
        f"torch {values['release']} may have a {values['torch_backend']} build, which was not yet seen on PyTorch's "
        f"index, as of {values['as_of']}. torch {_runs(values['releases'])} are known to have one that runs on "
        f"{_device(values, 'it')}."
    )


def _newer_driver(values: dict[str, Any]) -> str:
    """A release whose builds for the GPU all need a newer driver."""
    text = f"torch {values['release']} needs NVIDIA driver {values['driver']} or newer on "
    text += f"{_device(values, 'this GPU')}."
    return f"{text} torch {_runs(values['releases'])} have a build for this machine's driver."


def _pypi_does_not_run(values: dict[str, Any]) -> str:
    """PyPI's build does not run on what the chosen one runs on, so an installer does not take it."""
    where = _device(values, "this machine")
    why = f": {_shown(values['why'])}" if "why" in values else ""
    text = f"PyPI's build of {values['release']} ({values['torch_backend']}) does not run on {where}{why}"
    return f"{text}. Without PyTorch's page an installer goes on to older releases."


def _no_builds_for_platform(values: dict[str, Any]) -> str:
    """A release that has nothing for a platform."""
    text = f"torch {values['release']} does not have a build for {values['platform']}"
    text += f"; torch {_runs(values['releases'])} do."
    more = " Newer releases of torch need a Mac with Apple silicon."
    return text + (more if values["apple_silicon"] else "")


def _uses_no_gpu(values: dict[str, Any]) -> str:
    """A torch backend that was asked for, and that no GPU of the machine runs."""
    if values["why"] is None:
        return "It will not use a GPU: this machine has none that it supports."
    return f"It will not use a GPU of this machine: {_shown(values['why'])}."


def _pair_on_pypi_so_torch(values: dict[str, Any]) -> str:
    """With an extra both are PyPI's, where torch alone would be of another torch backend."""
    text = (
        "PyPI's {project} {version} is {torch_backend}, as PyPI's torch is. So torch is {torch_backend} as well, with "
    )
    text = text.format_map(values) + "this extra."
    if values.get("gpu_unused"):
        text += " They do not use this machine's GPU."
    wanted = values.get("wanted")  # a record of an older core does not have it
    return f"{text} With pin=exact and PyTorch's pages both are {wanted}." if wanted else text


def _no_group_runs_on(values: dict[str, Any]) -> str:
    """A GPU that no group serves, and what would."""
    text = f"{values['device']}: no group runs on it"
    if "torch_backend" in values:
        return f"{text}; torch {values['release']} has a build for it, {values['torch_backend']}."
    return f"{text}. {sentence(values['why'])}"


_SPECIAL = {
    "best-build": _best_build,
    "no-code": _no_code,
    "driver-too-old": _driver_too_old,
    "other-vendor": _other_vendor,
    "later-in-order": _runs_too,
    "fewer-gpus": _fewer_gpus,
    "lacks-code": _lacks_code,
    "lacks-library": _lacks_library,
    "xpu-not-listed": _xpu_not_listed,
    "left-out": _left_out,
    "pypi-does-not-run": _pypi_does_not_run,
    "other-releases": _other_releases,
    "not-yet-seen": _not_yet_seen,
    "newer-driver": _newer_driver,
    "no-builds-for-platform": _no_builds_for_platform,
    "uses-no-gpu": _uses_no_gpu,
    "no-group-runs-on": _no_group_runs_on,
    "pair-on-pypi-so-torch": _pair_on_pypi_so_torch,
}

#: Every code that has words.
CODES = frozenset((*_SENTENCES, *_SPECIAL))


def needs_in_words(needs: Needs) -> str:
    """What the label of a pin that nothing satisfies needs, as a person says it: "NVIDIA driver 580 or newer"."""
    if needs.kind == labels.GLIBC:
        return f"glibc {needs.value} or newer" if needs.value else "a system with glibc"
    texts = {
        labels.DRIVER: "NVIDIA driver {} or newer",
        labels.NEWER: "torch {} or newer",
        labels.OLDER: "torch {} or older",
        labels.APPLE: "a Mac with Apple silicon",
        labels.MACOS: "macOS {} or newer",
        labels.SIGHTING: "a {} build, which was not yet seen on PyTorch's index",
        labels.PROJECT: "a {}, which it is not known to have",
    }
    return texts.get(needs.kind, "a {} build, which it is not known to have").format(needs.value)
