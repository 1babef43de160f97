"""Virtual environments of nothing but the files that the command reads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch_auto import catalog, record, settings
from torch_auto.decide import Decision, decide
from torch_auto.machine_file import machine_from_json
from torch_auto.metadata import PUBLISHED_REQUIREMENTS, wheel_requirements

if TYPE_CHECKING:
    from pathlib import Path

    from support.machines import Machine

    from torch_auto.decide import Plan


def settings_of(config: dict[str, str] | None = None) -> settings.Settings:
    """What these config settings come to where no variable is set."""
    return settings.read(catalog.load(), config or {}, {})


def decision_for(machine: Machine, release: str, config: dict[str, str] | None = None) -> Decision:
    """What a build of a release decides on a machine."""
    known, chosen, found = catalog.load(), settings_of(config), machine_from_json(machine)
    return Decision(decide(known.release(release), found, chosen, known), found, chosen, known)


@dataclass(frozen=True)
class FakeEnvironment:
    """A virtual environment of Python 3.11 on Linux."""

    prefix: Path

    @property
    def site(self) -> Path:
        return self.prefix / "lib" / "python3.11" / "site-packages"

    @property
    def record(self) -> Path:
        """The record of the torch-auto that is installed."""
        [folder] = self.site.glob("torch_auto-*.dist-info")
        return folder / record.FILE

    @classmethod
    def make(cls, prefix: Path) -> FakeEnvironment:
        """An empty one."""
        made = cls(prefix)
        made.site.mkdir(parents=True)
        (prefix / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.11.7\n", "utf-8")
        return made

    def install(self, name: str, version: str, requires: tuple[str, ...] = (), installer: str = "pip") -> Path:
        """METADATA and INSTALLER of a distribution; returns its dist-info folder."""
        folder = self.site / f"{name.replace('-', '_')}-{version}.dist-info"
        folder.mkdir()
        lines = ["Metadata-Version: 2.4", f"Name: {name}", f"Version: {version}"]
        (folder / "METADATA").write_text(
            "\n".join([*lines, *(f"Requires-Dist: {r}" for r in requires), "", ""]), "utf-8"
        )
        (folder / "INSTALLER").write_text(installer + "\n", "utf-8")
        return folder

    def install_torch(self, version: str, inside: str | None = None) -> None:
        """A torch whose version.py says ``inside``, by default its version."""
        self.install("torch", version)
        (self.site / "torch").mkdir()
        text = f"from typing import Optional\n\n__version__ = '{inside or version}'\ncuda: Optional[str] = None\n"
        (self.site / "torch" / "version.py").write_text(text, "utf-8")

    def install_torch_auto(self, machine: Machine, release: str, config: dict[str, str] | None = None) -> Plan:
        """A torch-auto that was built on a machine: METADATA, and the record beside it."""
        decision = decision_for(machine, release, config)
        self.install("torch-auto", release, tuple(wheel_requirements(PUBLISHED_REQUIREMENTS, decision.plan)))
        self.record.write_text(record.record_text(decision), "utf-8")
        return decision.plan
