"""Reasons as data: a code, and the values that it is about. :mod:`torch_auto.select.words` has the sentences."""

from __future__ import annotations

from torch_auto.frozen import Frozen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Reason(Frozen):
    """Why something was decided.

    ``values`` are (name, value); a value is a text, a number, a flag, None, a tuple of such, or another reason.
    """

    code: str
    values: tuple[tuple[str, Any], ...] = ()

    def __getitem__(self, name: str) -> Any:
        """One of the values.

        Raises:
            KeyError: it does not have one of that name.
        """
        return dict(self.values)[name]


def because(code: str, **values: Any) -> Reason:
    """The reason of a code, with its values by name."""
    return Reason(code, tuple(values.items()))


def reason_to_json(reason: Reason) -> dict[str, Any]:
    """The JSON form: the code and the values in one object."""
    return {"code": reason.code, **{name: _to_json(value) for name, value in reason.values}}


def _to_json(value: Any) -> Any:
    if isinstance(value, Reason):
        return reason_to_json(value)
    return [_to_json(item) for item in value] if isinstance(value, tuple) else value


def reason_from_json(items: Mapping[str, Any]) -> Reason:
    """The reason in its JSON form.

    Raises:
        KeyError: it does not have a code.
    """
    return Reason(items["code"], tuple((name, _from_json(value)) for name, value in items.items() if name != "code"))


def _from_json(value: Any) -> Any:
    if isinstance(value, dict):
        return reason_from_json(value)
    return tuple(_from_json(item) for item in value) if isinstance(value, list) else value
