"""The tables that detection goes by: well formed, sourced, and right about well known products."""

from __future__ import annotations

import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from torch_auto.catalog import drivers
from torch_auto.catalog.files import read
from torch_auto.detect.amd import gfx_target, override_target, properties
from torch_auto.detect.libraries import absolute_parts, find
from torch_auto.detect.log import Log
from torch_auto.detect.nvidia_files import proc_version
from torch_auto.detect.nvidia_nvml import parse
from torch_auto.detect.nvidia_pci import capability_of_pci_id
from torch_auto.detect.nvidia_smi import lacks_cuda, parse_banner, parse_query
from torch_auto.detect.process import Output
from torch_auto.detect.tree import Tree
from torch_auto.detect.windows import nvidia_driver_of, pci_id_of
from torch_auto.machine import format_pair
from unit.detect.trees import write

REPOSITORY = Path(__file__).parents[3]
DATA = REPOSITORY / "torch_auto" / "catalog" / "data"


def load(name: str) -> dict[str, Any]:
    """One of the catalog's files."""
    return read(str(DATA), name)


#: developer.nvidia.com/cuda-gpus for the capabilities, pci.ids for the ids.
PRODUCTS = {
    "Tesla K20X": ("1021", (3, 5)),
    "Tesla K80": ("102d", (3, 7)),
    "GeForce GTX 680": ("1180", (3, 0)),
    "GeForce GTX 750 Ti": ("1380", (5, 0)),
    "Tesla M10": ("13bd", (5, 0)),
    "Tesla M60": ("13f2", (5, 2)),
    "Tesla M40": ("17fd", (5, 2)),
    "Tesla P100 PCIe 16GB": ("15f8", (6, 0)),
    "Tesla P40": ("1b38", (6, 1)),
    "GeForce GTX 1050": ("1c81", (6, 1)),
    "Tesla V100 SXM2": ("1db1", (7, 0)),
    "TITAN V": ("1d81", (7, 0)),
    "Tesla T4": ("1eb8", (7, 5)),
    "GeForce GTX 1660 Ti": ("2182", (7, 5)),
    "A100 SXM4 80GB": ("20b2", (8, 0)),
    "A10": ("2236", (8, 6)),
    "GeForce RTX 3060": ("2504", (8, 6)),
    "GeForce RTX 4090": ("2684", (8, 9)),
    "L40S": ("26b9", (8, 9)),
    "L4": ("27b8", (8, 9)),
    "H100 SXM5 80GB": ("2330", (9, 0)),
    "GH200 480GB": ("2342", (9, 0)),
    "B200": ("2901", (10, 0)),
    "GB200": ("2941", (10, 0)),
    "Jetson AGX Thor": ("2b00", (11, 0)),
    "GeForce RTX 5090": ("2b85", (12, 0)),
    "GB10": ("2e12", (12, 1)),
    "Vera Rubin NVL": ("3041", (10, 7)),
    "B300 SXM6": ("3182", (10, 3)),
    "GB300": ("31c2", (10, 3)),
}


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_products_pci_id_has_its_compute_capability(product: str) -> None:
    """Where NVML cannot be asked, a product's PCI id tells its compute capability."""
    number, pair = PRODUCTS[product]
    assert capability_of_pci_id(f"10de:{number}") == pair


@pytest.mark.parametrize("pci_id", ["10de:0020", "10de:3fff", "8086:20b2", "", "10de:", "1af1"])
def test_an_unknown_pci_id_has_no_compute_capability(pci_id: str) -> None:
    """Of an id that the table does not have, nothing is made up."""
    assert capability_of_pci_id(pci_id) is None


def test_both_ends_of_a_range_of_pci_ids_are_in_it() -> None:
    """The first and the last id of each range have its compute capability."""
    for row in load("nvidia_pci.json")["ranges"]:
        for end in ("first", "last"):
            pair = capability_of_pci_id(f"10de:{row[end]}")
            assert pair is not None
            assert format_pair(pair) == row["compute_capability"]


def test_the_ranges_of_pci_ids_are_in_order_and_apart() -> None:
    """No id is in two ranges."""
    rows = load("nvidia_pci.json")["ranges"]
    assert all(row["first"] <= row["last"] for row in rows)
    assert all(before["last"] < after["first"] for before, after in pairwise(rows))


def test_the_maker_of_the_ranges_reads_pci_ids() -> None:
    """Chips, not the audio and USB functions of their cards, make ranges; a block of a chip is one range."""
    text = (
        "# Version: 2026.01.01\n10de  NVIDIA Corporation\n"
        "\t20b0  GA100 [A100 SXM4 40GB]\n\t\t10de 1450  A sub-system\n\t20b2  GA100GL [A100 SXM4 80GB]\n"
        "\t228b  GA104 High Definition Audio Controller\n\t2484  GA104 [GeForce RTX 3070]\n"
        "\t102d  GK210GL [Tesla K80]\n8086  Intel\n\t20b1  GA100\n"
    )
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools/nvidia_pci.py", "/dev/stdin"],
        input=text,
        capture_output=True,
        text=True,
        check=True,
    )
    assert '"pci_ids": "2026.01.01"' in done.stdout
    assert '{"first": "2080", "last": "20ff", "compute_capability": "8.0", "chips": ["GA100"]}' in done.stdout
    assert '{"first": "102d", "last": "102d", "compute_capability": "3.7", "chips": ["GK210"]}' in done.stdout
    assert "228b" not in done.stdout


def test_the_intel_table_is_what_its_maker_prints() -> None:
    """intel.json is edited in tools/intel_ids.py, and nowhere else."""
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tools/intel_ids.py"], capture_output=True, text=True, check=True
    )
    assert (DATA / "intel.json").read_text(encoding="utf-8") == done.stdout


def test_no_intel_gpu_is_both_supported_and_not() -> None:
    """An id is in one family, and in no range of those that are not supported."""
    table = load("intel.json")
    ids = [pci_id for row in table["supported"] for pci_id in row["ids"]]
    assert len(ids) == len(set(ids))
    ranges = [pair for row in table["unsupported"] for pair in row["ranges"]]
    assert all(first <= last for first, last in ranges)
    assert not [pci_id for pci_id in ids if any(first <= pci_id <= last for first, last in ranges)]


def test_every_row_names_sources_that_are_listed() -> None:
    """A key of a source is one of those in the lists of sources."""
    known = {**load("sources.json")["sources"]}
    extra = DATA / "sources_detect.json"
    if extra.exists():
        known.update(load("sources_detect.json")["sources"])
    used = set(load("nvidia_pci.json")["source"])
    used.update(row["source"] for row in load("nvidia_pci.json")["ranges"] if "source" in row)
    for rows in (load("intel.json")["supported"], load("intel.json")["unsupported"]):
        used.update(key for row in rows for key in row["source"])
    assert used <= set(known)


@pytest.mark.parametrize(
    ("driver", "cuda"),
    [
        ("580.65.06", (13, 0)),
        ("580.00", (13, 0)),
        ("575.64.03", (12, 9)),
        ("570.26", (12, 8)),
        ("569.99", (12, 6)),
        ("550.54.14", (12, 4)),
        ("550.163.01", (12, 4)),
    ],
)
def test_a_driver_of_the_table_has_its_cuda_driver_version(driver: str, cuda: tuple[int, int]) -> None:
    """A branch of drivers has the CUDA driver version that its first driver came with."""
    found, _ = drivers.load().cuda_of(driver, windows=False)
    assert found is not None
    assert found >= cuda if driver == "569.99" else found == cuda


def test_a_driver_outside_of_the_table_is_said_to_be() -> None:
    """Newer than all: the newest that is known, and said so. Older than all: nothing."""
    newest, text = drivers.load().cuda_of("9999.1", windows=False)
    assert newest == max(tuple(map(int, row["cuda"].split("."))) for row in load("nvidia.json")["paired_drivers"])
    assert "this driver is newer" in text
    assert drivers.load().cuda_of("1.2", windows=False)[0] is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  375.74  Wed Jun 14 01:39:39 PDT 2017", "375.74"),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  565.57.01  Release Build  (dvs-builder@U16)",
            "565.57.01",
        ),
        (
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.3.1  Release Build  (x@mobile-u64-6289)",
            "35.3.1",
        ),
        ("GCC version:  gcc version 12.2.0 (Debian 12.2.0-14)", None),
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module", None),
        ("", None),
    ],
)
def test_both_wordings_of_the_kernel_module_tell_its_version(text: str, version: str | None) -> None:
    """The version is the module's, whichever wording, and never the compiler's."""
    assert proc_version(text + "\nGCC version:  gcc version 12.3.0 (Ubuntu)") == version


@pytest.mark.parametrize(
    ("text", "driver", "cuda"),
    [
        ("| NVIDIA-SMI 550.54.14   Driver Version: 550.54.14   CUDA Version: 12.4     |", "550.54.14", (12, 4)),
        ("| NVIDIA-SMI 610.43.02   KMD Version: 610.43.02   CUDA UMD Version: 13.3     |", "610.43.02", (13, 3)),
        ("| NVIDIA-SMI 331.62     Driver Version: 331.62         |", "331.62", None),
        ("| NVIDIA-SMI 450.66   Driver Version: 450.66   CUDA Version: N/A  |", "450.66", None),
        ("NVIDIA-SMI has failed", None, None),
    ],
)
def test_the_banner_of_nvidia_smi_tells_both_versions(
    text: str, driver: str | None, cuda: tuple[int, int] | None
) -> None:
    """The older wording and that of driver 610 and newer."""
    assert parse_banner(text) == (driver, cuda)


def test_a_query_of_nvidia_smi_tells_every_gpu() -> None:
    """A name with a comma, a capability that is not known, and lines of another form."""
    text = "A, B, 550.54.14, 8.0\nTesla K80, 550.54.14, [N/A]\nWARNING: infoROM is corrupted\n, 550.54.14, 9.0\n"
    report = parse_query(text)
    assert report.driver_version == "550.54.14"
    assert report.devices == (("A, B", (8, 0), None), ("Tesla K80", None, None), ("", (9, 0), None))


@pytest.mark.parametrize("driver", ["[N/A]", "[Unknown Error]", "", "N/A"])
def test_a_nonsense_driver_version_of_nvidia_smi_leaves_its_gpus(driver: str) -> None:
    """A line that tells a compute capability or a PCI id tells a GPU; what is nonsense in it is noted."""
    log = Log()
    report = parse_query(f"NVIDIA L4, {driver}, 8.9\nTesla K80, {driver}, 0x102D10DE\nNo, {driver}, [N/A]\n", log)
    assert report.driver_version is None
    assert report.devices == (("NVIDIA L4", (8, 9), None), ("Tesla K80", None, "10de:102d"))
    text = f"{driver!r} is not a driver version"
    assert [(item.source, item.outcome, item.detail) for item in log.evidence] == [("nvidia-smi", "unreadable", text)]


def test_an_older_nvidia_smi_tells_every_gpus_pci_id() -> None:
    """The device stands before the vendor, in upper case (docs.nvidia.com/deploy/nvidia-smi, pci.device_id)."""
    report = parse_query("Tesla K80, 440.33.01, 0x102D10DE\nTesla K80, 440.33.01, junk\n")
    assert report.devices == (("Tesla K80", None, "10de:102d"), ("Tesla K80", None, None))


@pytest.mark.parametrize(
    ("text", "lacks"),
    [
        ("| NVIDIA-SMI 450.66   Driver Version: 450.66   CUDA Version: N/A  |", True),
        ("| NVIDIA-SMI 610.43.02   KMD Version: 610.43.02   CUDA UMD Version: N/A     |", True),
        ("| NVIDIA-SMI 550.54.14   Driver Version: 550.54.14   CUDA Version: 12.4     |", False),
        ("| NVIDIA-SMI 331.62     Driver Version: 331.62         |", False),
    ],
)
def test_the_banner_of_nvidia_smi_tells_that_there_is_no_libcuda(text: str, lacks: bool) -> None:
    """An old one, which names no CUDA at all, says nothing of it."""
    assert lacks_cuda(text) is lacks


@pytest.mark.parametrize(
    ("windows", "nvidia"),
    [
        ("32.0.15.5161", "551.61"),
        ("31.0.15.3713", "537.13"),
        ("27.21.14.5671", "456.71"),
        ("32.0.16.597", "605.97"),
        ("32.0.101.61270", None),
        ("10.0", None),
        ("", None),
    ],
)
def test_windows_numbers_of_drivers_are_nvidias(windows: str, nvidia: str | None) -> None:
    """The last five digits of what Windows calls a driver are NVIDIA's number of it."""
    assert nvidia_driver_of(windows) == nvidia


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("PCI\\VEN_8086&DEV_56A0&SUBSYS_10201849&REV_08", ("8086", "56a0")),
        ("pci\\ven_10de&dev_2684", ("10de", "2684")),
        ("ROOT\\BasicDisplay", None),
        ("", None),
        (7, None),
    ],
)
def test_hardware_ids_of_windows_are_pci_ids(text: object, pair: tuple[str, str] | None) -> None:
    """Upper and lower case, and nothing of what is on no PCI bus."""
    assert pci_id_of(text) == pair


@pytest.mark.parametrize(
    ("number", "cuda"), [(999, None), (1000, (1, 0)), (12040, (12, 4)), (99_999, (99, 99)), (100_000, None)]
)
def test_nvmls_number_of_a_cuda_is_its_version(number: int, cuda: tuple[int, int] | None) -> None:
    """1000 * major + 10 * minor (nvml.h), from 1.0 to 99.99; anything else is said to be none."""
    report = parse(Output(json.dumps({"cuda": number}) + '\n{"done": true}\n', 0))
    assert report.cuda_driver_version == cuda
    step = "nvmlSystemGetCudaDriverVersion"
    assert report.errors == (() if cuda else ((step, None, f"{number} is not a CUDA version"),))


@pytest.mark.parametrize(
    "pair", [[1, 0], [99, 99], [0, 0], [100, 0], [8, 100], [8, -1], [8], [8, 0, 0], [8, True], "8"]
)
def test_a_compute_capability_of_nvmls_is_two_numbers(pair: object) -> None:
    """Of at most two digits each, and the first is not 0."""
    said = {"device": 3, "capability": pair, "mig": False}
    report = parse(Output(json.dumps(said) + '\n{"done": true}\n', 0))
    [device] = report.devices
    if pair in ([1, 0], [99, 99]):
        assert (list(device.compute_capability or ()), report.errors) == (pair, ())
    else:
        assert device.compute_capability is None
        assert report.errors == (("compute capability of device 0", None, f"{pair!r} is not a compute capability"),)


def test_no_gpus_are_a_number_of_gpus() -> None:
    """0 is one; what is below it, or none, is shown, and cut where it is long."""
    assert parse(Output('{"count": 0}', 0)).gpus == 0
    for said, shown in ((-1, "-1"), ("x" * 58, repr("x" * 58)), ("x" * 59, "'" + "x" * 56 + "...")):
        report = parse(Output(json.dumps({"count": said}), None))
        assert (report.gpus, report.hung) == (None, True)
        assert report.errors == (("nvmlDeviceGetCount", None, f"{shown} is not a number of GPUs"),)


def test_a_report_that_ends_too_soon_is_told() -> None:
    """With the exit code, and with all lines that came whole; a hang has none."""
    text = '{"driver": "550.54.14"}\n[1]\nno JSON\n{"error": "nvmlInit", "code": 9, "text": "no"}\n{"dri'
    report = parse(Output(text, 3))
    assert (report.driver_version, report.began, report.hung, report.asked) == ("550.54.14", True, False, True)
    assert report.errors == (("nvmlInit", 9, "no"), ("end", None, "the process that asked ended with exit code 3"))
    assert parse(Output("", 0)).began is False


@pytest.mark.parametrize(
    ("version", "target"),
    [
        (0, None), (9_999, None), (10_000, "gfx100"), (90_010, "gfx90a"), (91_515, "gfx9ff"), (91_600, None),
        (90_016, None), (990_000, "gfx9900"), (1_000_000, None), (110_501, "gfx1151"),
    ],
)  # fmt: skip
def test_kfds_number_of_a_target_is_llvms_name(version: int, target: str | None) -> None:
    """The minor and the stepping are a hex digit each (kfd_topology.c; libhsakmt)."""
    assert gfx_target(version) == target


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("10.3.0", "gfx1030"), ("9.0.10", "gfx90a"), ("9.15.15", "gfx9ff"), ("9.16.0", None), ("9.0.16", None),
        ("9.100.0", None), ("9.0.100", None), ("9.0.110", None), ("9.110.0", None), ("0.1.0", None),
        ("99.0.0", "gfx9900"), ("9.0", None), ("9.0.a", None), ("", None),
    ],
)  # fmt: skip
def test_an_override_is_three_numbers(text: str, target: str | None) -> None:
    """As ROCm takes it: no number runs over into the one before."""
    assert override_target(text) == target


def test_properties_are_numbers_of_64_bits() -> None:
    """A line of another form is passed over, and so is a number of more digits than the kernel has."""
    text = f"a 1\n  b   2  \nc\nd x\ne -1\nf {2**64 - 1}\ng {10**20}\nh 1 2\n"
    assert properties(text) == {"a": 1, "b": 2, "f": 2**64 - 1}


def test_no_more_gpus_are_taken_of_nvidia_smi_than_any_machine_has() -> None:
    """64; a program gone mad may print any number."""
    assert len(parse_query("L4, 550.54.14, 8.9\n" * 70).devices) == 64


def test_where_a_library_is_looked_for_has_bounds(tmp_path: Path) -> None:
    """256 parts of a search path, 16 places of one library, and 4 MiB of the loader's cache."""
    assert len(absolute_parts(":".join(["/x"] * 300))) == 256
    tree = Tree(str(write(tmp_path, {f"{number}/lib.so": "" for number in range(20)})))
    assert len(find("lib.so", tree, {"LD_LIBRARY_PATH": ":".join(f"/{number}" for number in range(20))})) == 16
    entry = b"\0/opt/odd/lib.so\0"
    for before, found in (((4 << 20) - len(entry), ("/opt/odd/lib.so",)), ((4 << 20) - len(entry) + 1, ())):
        tree = Tree(str(write(tmp_path, {"etc/ld.so.cache": b"\0" * before + entry})))
        assert find("lib.so", tree, {}) == found
