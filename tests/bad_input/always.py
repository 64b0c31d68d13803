"""What every request that changes something is refused for, whatever it asks."""

from collections.abc import Callable
from dataclasses import replace

from tests.bad_input import handing, persons, refunding, registers, sharing
from tests.bad_input.fair import INVALID, Ask, Case, Fair

SOUND: dict[str, Callable[[Fair], Ask]] = {
    **persons.SOUND,
    **registers.SOUND,
    **sharing.SOUND,
    **handing.SOUND,
    **refunding.SOUND,
}
"""Requests that would be taken, by what they are."""


def _without_key(ask: Ask) -> Ask:
    return replace(ask, headers={"Idempotency-Key": None})


def _with_a_field_more(ask: Ask) -> Ask:
    return replace(ask, body=ask.body and ask.body | {"colour": "red"})


def _cases(name: str, sound: Callable[[Fair], Ask]) -> list[Case]:
    """Return what is always refused of a request; that of a correction says If-Match in place of a key."""
    found: list[Case] = [
        (
            f"{name} by who may not",
            lambda f: replace(sound(f), desk=f.orderer),
            403,
            "forbidden",
            [],
        ),
        (
            f"{name} by nobody",
            lambda f: replace(sound(f), headers={**sound(f).headers, "Authorization": None}),
            401,
            "unauthenticated",
            [],
        ),
    ]
    if name != "a correction":
        found.append((f"{name} without a key", lambda f: _without_key(sound(f)), 400, "missing_idempotency_key", []))
    if name not in WITHOUT_FIELDS:
        found.append(
            (f"{name} with a field unknown", lambda f: _with_a_field_more(sound(f)), 422, INVALID, ["/colour"])
        )
    return found


WITHOUT_FIELDS = {
    "a departure of a person",
    "a submission of a register",
    "a confirmation of a second distribution",
    "a bank's answer",
    "a withdrawal of a list",
    "a file",
}
CASES: list[Case] = [case for name, sound in SOUND.items() for case in _cases(name, sound)]
