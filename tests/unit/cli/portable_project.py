"""A project with one lock for every machine, and machines with a uv cache of their own each."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from support.cache import REPOSITORY
from support.wheels import TinyWheel

if TYPE_CHECKING:
    from pathlib import Path

    from support.frontends import Finished, Frontend, Sandbox
    from support.machines import Machine
    from support.torch_index import TorchIndex

#: A package of someone else's that takes whatever torch there is.
NEEDS_TORCH = TinyWheel(
    "needs-torch", "1.0", requires=("torch>=2.0",), modules=(("needs_torch/__init__.py", "import torch\n"),)
)

#: Says which torch is there, as torch itself and a package that depends on it see it.
IMPORT = "import needs_torch, torch; print(torch.__version__)"

_COMMAND = f"import sys; sys.path.insert(0, {str(REPOSITORY)!r}); from torch_auto.cli import main; sys.exit(main())"


@dataclass(frozen=True)
class Host:
    """A machine: what torch-auto finds there, a uv cache and a checkout of its own."""

    uv: Frontend
    sandbox: Sandbox
    index: TorchIndex
    name: str

    @property
    def file(self) -> Path:
        """What the machine is, as ``torch-auto info --json`` says it."""
        return self.sandbox.root / f"{self.name}.json"

    @property
    def checkout(self) -> Path:
        return self.sandbox.root / self.name

    def becomes(self, machine: Machine) -> None:
        """Its hardware or its driver is this from now on."""
        self.file.write_text(json.dumps(machine), "utf-8")

    def clone(self, repository: Path) -> Path:
        """A fresh clone of a repository: what is committed and nothing else."""
        shutil.copytree(repository, self.checkout, ignore=shutil.ignore_patterns(".venv"))
        return self.checkout

    @property
    def variables(self) -> dict[str, str]:
        return {
            "TORCH_AUTO_MACHINE": str(self.file),
            "TORCH_AUTO_INDEX_URL": self.index.whl,
            "UV_CACHE_DIR": str(self.sandbox.root / f"cache-{self.name}"),
            "PATH": f"{self.uv.tool.executable.parent}:{self.sandbox.environment['PATH']}",
        }

    def run(self, *command: str | Path, cwd: Path | None = None, check: bool = True, **variables: str) -> Finished:
        """Run a program in the checkout or in a folder of it."""
        return self.sandbox.run(command, cwd=cwd or self.checkout, env={**self.variables, **variables}, check=check)

    def command(self, *words: str | Path, cwd: Path | None = None, check: bool = True, **variables: str) -> Finished:
        """The repository's torch-auto, in no environment of the project's."""
        return self.run(sys.executable, "-c", _COMMAND, *words, cwd=cwd, check=check, **variables)

    def uvx(self, *words: str | Path) -> Finished:
        """torch-auto where nothing is installed yet: ``uvx torch-auto-core``."""
        return self.run(self.uv.tool.executable, "tool", "run", "torch-auto-core", *words)

    def installed(self, *words: str | Path, cwd: Path | None = None, check: bool = True, **variables: str) -> Finished:
        """The project's own torch-auto."""
        return self.run(self.checkout / ".venv/bin/torch-auto", *words, cwd=cwd, check=check, **variables)

    def with_uv(self, *words: str | Path, cwd: Path | None = None, check: bool = True, **variables: str) -> Finished:
        """Plain uv."""
        return self.run(self.uv.tool.executable, *words, cwd=cwd, check=check, **variables)

    def python(self, code: str = IMPORT, *, check: bool = True) -> Finished:
        """Code in the project's environment."""
        return self.run(self.checkout / ".venv/bin/python", "-c", code, check=check)
