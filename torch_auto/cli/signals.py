"""Signals that end the command: it first puts back what it has to, by way of every ``finally``.

SIGTERM and SIGHUP end a program that has no handler for them without any of that.
"""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

#: Those that the system has. Windows has no SIGHUP, and ends a program by SIGTERM at once, whatever it does.
_ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class _State:
    """How many of :func:`held` are open, and the signal that came meanwhile."""

    depth = 0
    came: int | None = None


@contextmanager
def in_order() -> Iterator[None]:
    """Have a signal end the command as an exception: KeyboardInterrupt, or SystemExit with 128 and its number.

    One that is ignored stays so (nohup).
    """
    before = {}
    try:
        for number in _ENDING:
            if signal.getsignal(number) in (signal.SIG_DFL, signal.default_int_handler):
                before[number] = signal.signal(number, _come)
    except ValueError:  # not the main thread, which alone has handlers
        pass
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def held() -> Iterator[None]:
    """Have signals wait until what is done inside is done: a moment, in which a file is written."""
    _State.depth += 1
    try:
        yield
    finally:
        _State.depth -= 1
        if _State.depth == 0 and _State.came is not None:
            number, _State.came = _State.came, None
            _leave(number)


def _come(number: int, _: Any) -> None:
    if _State.depth:
        _State.came = number
    else:
        _leave(number)


def _leave(number: int) -> NoReturn:
    if number == signal.SIGINT:
        raise KeyboardInterrupt
    for other in _ENDING:
        signal.signal(other, signal.SIG_IGN)  # what is about to end is not ended half-way
    raise SystemExit(128 + number)
