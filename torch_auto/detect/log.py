"""What detection looked at, gathered while it looks: the evidence that a machine carries."""

from __future__ import annotations

from torch_auto.machine import Evidence

#: More lines than this say nothing new, and a hostile tree cannot make a machine file grow without end.
MOST_LINES = 200
#: Characters of a detail, or of a name, that are kept.
LONGEST_DETAIL = 300


def clean(text: str) -> str:
    """One printable line of a text that may hold anything: terminal escapes, line ends and surrogates go."""
    line = " ".join(text.split())
    line = "".join(character if character.isprintable() else "?" for character in line)
    return line if len(line) <= LONGEST_DETAIL else line[: LONGEST_DETAIL - 3] + "..."


class Log:
    """Gathers :class:`~torch_auto.machine.Evidence`, in the order in which things were looked at."""

    def __init__(self) -> None:
        self._lines: list[Evidence] = []

    def _add(self, source: str, outcome: str, detail: str) -> None:
        line = Evidence(clean(source), outcome, clean(detail))
        if line in self._lines:
            return
        if len(self._lines) < MOST_LINES:
            self._lines.append(line)

    def found(self, source: str, detail: str = "") -> None:
        """It is there, and ``detail`` is what it said."""
        self._add(source, "found", detail)

    def absent(self, source: str, detail: str = "") -> None:
        """It is not there."""
        self._add(source, "absent", detail)

    def unreadable(self, source: str, detail: str) -> None:
        """It is there, or may be, and ``detail`` is why it could not be used."""
        self._add(source, "unreadable", detail)

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """All that was noted so far."""
        return tuple(self._lines)
