"""``python -m torch_auto`` is ``torch-auto``, and the script of that name is this."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command. It is loaded inside, so that Ctrl-C ends it without a traceback at that time too."""
    try:
        from torch_auto.cli import main as command  # noqa: PLC0415  # see above

        return command()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
