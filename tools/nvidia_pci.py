"""Make torch_auto/catalog/data/nvidia_pci.json: which compute capability an NVIDIA PCI device id has.

    python tools/nvidia_pci.py path/to/pci.ids > torch_auto/catalog/data/nvidia_pci.json

pci.ids (the PCI ID Project) names the chip of every id, and CHIPS below says what compute capability a chip has. Ids of
one compute capability without another chip between them become one range. Since Pascal a chip has its ids
in blocks of 128 that no other chip shares, so ranges are widened to whole blocks: a card that is newer than the
list is in its chip's block.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

# Compute capability of each chip. Sources: NVIDIA's page "CUDA GPUs" (products), with pci.ids for the products' chips;
# docs.nvidia.com/cuda, "Compute Capabilities", for the list of capabilities itself.
CHIPS = {
    "1.0": ("G80",),
    "1.1": ("G84", "G86", "G92", "G94", "G96", "G98"),
    "1.2": ("GT215", "GT216", "GT218"),
    "1.3": ("GT200",),
    "2.0": ("GF100", "GF110"),
    "2.1": ("GF104", "GF106", "GF108", "GF114", "GF116", "GF117", "GF119"),
    "3.0": ("GK104", "GK106", "GK107"),
    "3.5": ("GK110", "GK180", "GK208"),
    "3.7": ("GK210",),
    "5.0": ("GM107", "GM108"),
    "5.2": ("GM200", "GM204", "GM206"),
    "6.0": ("GP100",),
    "6.1": ("GP102", "GP104", "GP106", "GP107", "GP108"),
    "7.0": ("GV100",),
    "7.5": ("TU102", "TU104", "TU106", "TU116", "TU117"),
    "8.0": ("GA100",),
    "8.6": ("GA102", "GA103", "GA104", "GA106", "GA107"),
    "8.9": ("AD102", "AD103", "AD104", "AD106", "AD107"),
    "9.0": ("GH100",),
    "10.0": ("GB100", "GB102"),
    "10.3": ("GB110", "GB112"),
    "11.0": ("GB10B",),
    "12.0": ("GB202", "GB203", "GB205", "GB206", "GB207"),
    "12.1": ("GB20B",),
}
CAPABILITY = {chip: capability for capability, chips in CHIPS.items() for chip in chips}

#: Ids that pci.ids does not have yet, as machines show them: first, last, compute capability, chip, source.
SEEN = ((0x3000, 0x30FF, "10.7", "Rubin", "rubin-seen"),)

#: The first id of Pascal, from where on chips have blocks of their own.
BLOCKS_FROM = 0x1B00
BLOCK = 0x80

_VENDOR = re.compile(r"^([0-9a-f]{4})  (.*)")
_DEVICE = re.compile(r"^\t([0-9a-f]{4})  (\S+)(.*)")
#: Other functions of a graphics card have ids of their own, under the chip's name.
_NOT_A_GPU = re.compile(r"audio|usb|ucsi|bridge|smbus|controller|function|nvswitch", re.IGNORECASE)


def chips_by_id(pci_ids: str) -> dict[int, str]:
    """The chip of every NVIDIA GPU in the text of pci.ids: {0x20b0: "GA100"}."""
    chips = {}
    vendor = None
    for line in pci_ids.splitlines():
        if found := _VENDOR.match(line):
            vendor = found.group(1)
        elif vendor == "10de" and (found := _DEVICE.match(line)) and not _NOT_A_GPU.search(found.group(3)):
            # GA100GL, GK208BM: letters after the number tell the market, not the chip. GB10B and GB20B are chips.
            name = found.group(2)
            chip = name if name in CAPABILITY else re.sub(r"(?<=\d)(?:B|C)?(?:GL|M|GLM)?$|(?<=\d)b$", "", name)
            # "GM204 [GM107 CS1]": samples of which the list itself is of two minds.
            if chip in CAPABILITY and not re.match(rf" \[(?!{chip})G[A-Z]\d{{3}} ", found.group(3)):
                chips[int(found.group(1), 16)] = chip
    return chips


def others(pci_ids: str, chips: dict[int, str]) -> set[int]:
    """The ids of NVIDIA devices that are no GPU of a known chip: no range may hold one of them as a GPU's neighbour."""
    found, vendor = set(), None
    for line in pci_ids.splitlines():
        if match := _VENDOR.match(line):
            vendor = match.group(1)
        elif vendor == "10de" and (match := _DEVICE.match(line)):
            number = int(match.group(1), 16)
            if number not in chips and not _NOT_A_GPU.search(match.group(3)):
                found.add(number)
    return found


def ranges(chips: dict[int, str], foreign: set[int]) -> list[tuple[int, int, list[str]]]:
    """(first, last, chips) with one compute capability each, in the order of the ids."""
    merged: list[tuple[int, int, list[str]]] = []
    for number, chip in sorted(chips.items()):
        first, last = number, number
        if number >= BLOCKS_FROM:
            first, last = number // BLOCK * BLOCK, number // BLOCK * BLOCK + BLOCK - 1
        if merged:
            start, end, names = merged[-1]
            same = CAPABILITY[names[0]] == CAPABILITY[chip]
            if not same and end >= first:
                raise SystemExit(f"{number:04x}: {chip} is in a block of {names[-1]}")
            if same and not any(end < other < first for other in foreign):
                merged[-1] = (start, max(end, last), names if chip in names else [*names, chip])
                continue
        merged.append((first, last, [chip]))
    return merged


def main() -> None:
    """Print the data file."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8", errors="replace")
    version = re.search(r"^#\s+Version: ([\d.]+)", text, re.MULTILINE)
    chips = chips_by_id(text)
    rows: list[dict[str, object]] = [
        {
            "first": f"{first:04x}",
            "last": f"{last:04x}",
            "compute_capability": CAPABILITY[names[0]],
            "chips": names,
        }
        for first, last, names in ranges(chips, others(text, chips))
    ]
    rows += [
        {
            "first": f"{first:04x}",
            "last": f"{last:04x}",
            "compute_capability": capability,
            "chips": [chip],
            "source": source,
        }
        for first, last, capability, chip, source in SEEN
    ]
    rows.sort(key=lambda row: str(row["first"]))
    head = {
        "version": 1,
        "pci_ids": version.group(1) if version else "unknown",
        "source": ["pci-ids", "nvidia-cuda-gpus"],
    }
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    body = ",\n".join("  " + json.dumps(row) for row in rows)
    print("{", *lines, ' "ranges": [', body, " ]", "}", sep="\n")


if __name__ == "__main__":
    main()
