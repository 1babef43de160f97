"""What ends a verb with exit status 2 and a message."""

from __future__ import annotations


class UserError(Exception):
    """Something that the user has to change; the message says what, and how."""


class RefusedError(Exception):
    """Nothing is written; the message says why, and what to do."""
