"""What the README and the docs promise. Some of it is made by tools, which are scripts: their folder is on the path."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))
