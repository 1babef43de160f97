"""Make torch_auto/catalog/data/intel.json: which Intel GPUs PyTorch's XPU builds support, and which they do not.

    python tools/intel_ids.py > torch_auto/catalog/data/intel.json

A maintainer edits the two tables below, against the sources that they name, and looks at the difference.
"""

from __future__ import annotations

import json


def _ids(text: str) -> list[str]:
    """The PCI ids in "56a0-56a2 56be": ["8086:56a0", "8086:56a1", ...]."""
    found = []
    for part in text.split():
        first, _, last = part.partition("-")
        found += [f"8086:{number:04x}" for number in range(int(first, 16), int(last or first, 16) + 1)]
    return found


def _ranges(text: str) -> list[list[str]]:
    return [[f"8086:{part.partition('-')[0]}", f"8086:{part.partition('-')[2] or part}"] for part in text.split()]


# family, ids, integrated, the first release whose documentation names it or None, confidence.
# "published": PyTorch's documentation names the family. "inferred": it is the same chip as a family that it names, or a
# newer chip than Alchemist, below which alone PyTorch warns; the wheels hold code for any of them to be compiled on the
# machine (spir64), beside native code for those that the documentation names.
SUPPORTED = [
    ("Data Center GPU Max (Ponte Vecchio)", "0b69 0b6e 0bd4-0bdb 0be0 0be1 0be5", False, "2.5.0", "published"),
    ("Data Center GPU Flex (Arctic Sound-M)", "56c0-56c2", False, None, "inferred"),
    ("Arc A-series (Alchemist)", "5690-5697 56a0-56a6 56b0-56b3 56ba-56bf", False, "2.5.0", "published"),
    ("Arc B-series (Battlemage)", "e202 e209 e20b-e20d e210-e212 e216 e220-e223", False, "2.6.0", "published"),
    ("Core Ultra with Arc graphics (Meteor Lake-H)", "7d55 7dd5", True, "2.5.0", "published"),
    ("Core Ultra 200H with Arc graphics (Arrow Lake-H)", "7d51 7dd1", True, "2.7.0", "published"),
    ("Core Ultra 200V with Arc graphics (Lunar Lake)", "6420 64a0 64b0", True, "2.5.0", "published"),
    (
        "Core Ultra Series 3 with Arc graphics (Panther Lake)",
        "b080-b087 b08f b090 b0a0 b0b0",
        True,
        "2.10.0",
        "published",
    ),
    ("Arc B-series (Battlemage, not in the kernel's list)", "e215", False, None, "inferred"),
    ("Core Ultra with Intel Graphics (Meteor Lake-U)", "7d40 7d45 7d60", True, None, "inferred"),
    ("Core Ultra 200 with Intel Graphics (Arrow Lake-U and -S)", "7d41 7d67 b640", True, None, "inferred"),
    ("Wildcat Lake", "fd80-fd81", True, None, "inferred"),
    ("Nova Lake", "d740-d743 d745 d74a-d74b d750-d757 d75f", True, None, "inferred"),
    ("Data Center GPU (Crescent Island)", "674c-6750", False, None, "inferred"),
]

# family, ranges of ids, integrated.
UNSUPPORTED = [
    ("Iris Xe MAX and Server GPU (DG1)", "4905-4909", False),
    ("Raptor Lake", "a720-a721 a780-a78b a7a0-a7ad", True),
    ("Alder Lake", "4626-462a 4680-4693 46a0-46d4", True),
    ("Rocket Lake", "4c80-4c9a", True),
    ("Tiger Lake", "9a40-9af8", True),
    ("Elkhart Lake and Jasper Lake", "4541-4571 4e51-4e71", True),
    ("Ice Lake", "8a50-8a71", True),
    ("Cannon Lake", "5a40-5a5c", True),
    ("Comet Lake", "9b21-9bf6", True),
    ("Coffee Lake and Whiskey Lake", "3e90-3ea9", True),
    ("Amber Lake", "87c0-87ca", True),
    ("Gemini Lake and Broxton", "0a84 1a84-1a85 3184-3185 5a84-5a85", True),
    ("Kaby Lake", "5902-593b", True),
    ("Skylake", "1902-193d", True),
    ("Broadwell", "1602-163e", True),
    ("Cherry Trail and Bay Trail", "22b0-22b3 0f30-0f33", True),
    ("Haswell", "0402-042e 0a02-0a2e 0c02-0c2e 0d02-0d2e", True),
    ("Ivy Bridge and Sandy Bridge", "0102-0126 0152-016a", True),
    ("Ironlake", "0042 0046", True),
    ("GMA 4500 and older", "2562 2572 2582 258a 2592 2772 27a2 27ae 2972 2982 2992 29a2-29d2", True),
    ("GMA 4500 and older, mobile", "2a02-2a42 2e02-2e92 3577-358e a001-a011", True),
]


def _list(key: str, rows: list[dict[str, object]]) -> str:
    return f' "{key}": [\n' + ",\n".join("  " + json.dumps(row) for row in rows) + "\n ]"


def main() -> None:
    """Print the data file."""
    supported: list[dict[str, object]] = [
        {
            "family": family,
            "ids": _ids(ids),
            "integrated": integrated,
            "since": since,
            "confidence": confidence,
            "source": [
                "linux-pciids" if ids != "e215" else "compute-runtime",
                "torch-xpu-docs" if since else "torch-xpu-code",
            ],
        }
        for family, ids, integrated, since, confidence in SUPPORTED
    ]
    unsupported: list[dict[str, object]] = [
        {
            "family": family,
            "ranges": _ranges(ranges),
            "integrated": integrated,
            "confidence": "inferred",
            "source": ["linux-pciids", "torch-xpu-docs"],
        }
        for family, ranges, integrated in UNSUPPORTED
    ]
    print('{\n "version": 1,')
    print(_list("supported", supported) + ",")
    print(_list("unsupported", unsupported))
    print("}")


if __name__ == "__main__":
    main()
