"""``python -m torch_auto`` is ``torch-auto``."""

from __future__ import annotations

import sys

from torch_auto.cli import main

if __name__ == "__main__":
    sys.exit(main())
