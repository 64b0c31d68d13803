"""Requests as Stripe's SDK encodes them: `metadata[order]=7&expand[0]=charge`."""

import re
from typing import Any
from urllib.parse import parse_qsl

from tests.stripe_emulator.refusals import invalid

KEY = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)\Z")
PART = re.compile(r"\[([^\[\]]*)\]")


def decoded(text: str) -> dict[str, Any]:
    """Return the nested values of a form or a query; numbered items stay a dictionary until their type is known."""
    values: dict[str, Any] = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = KEY.match(key)
        if not match:
            raise invalid(f"Invalid parameter name: {key}", param=key)
        *parents, last = [match[1], *PART.findall(match[2])]
        inside = values
        for part in parents:
            inside = inside.setdefault(part, {})
            if not isinstance(inside, dict):
                raise invalid(f"Invalid hash: {key}", param=key)
        inside[last or str(len(inside))] = value
    return values
