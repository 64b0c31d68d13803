"""Whoever sends a table is let in before it is read, and one made to do harm is refused like any that is none."""

from base64 import b64encode
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import uuid4

import pytest

from tests.spreadsheets import FAR, TOO_LARGE, hostile
from tests.stalls import Stalls

NOBODYS = "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"


class Door(NamedTuple):
    """Where a table is sent, who sends it, and how it is refused there."""

    path: str
    desk: str
    code: str
    body: Mapping[str, str] | None = None

    def sent(self, stalls: Stalls, content: bytes, desk: str | None) -> Any:
        """Send a file there, as the bytes of the request or among its JSON."""
        bearer = getattr(stalls, desk).bearer if desk else {}
        headers = bearer | {"Idempotency-Key": uuid4().hex}
        if self.body is None:
            return stalls.client.post(f"/v1{self.path}", content=content, headers=headers)
        body = {**self.body, "content": b64encode(content).decode()}
        return stalls.client.post(f"/v1{self.path}", json=body, headers=headers)


DOORS = {
    "the register": Door("/register-imports", "county", "register_file", {"kind": "xlsx"}),
    "account items": Door("/account-items/imports", "village", "invalid_input", {"file_name": "收支.xlsx"}),
    "a bank's result": Door(f"/pay-lists/{NOBODYS}/bank-results", "manager", "bank_file"),
    "a bank's statement": Door(f"/bank-accounts/{NOBODYS}/statements", "manager", "statement_file"),
}


@pytest.mark.parametrize("of", hostile())
@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS)
def test_a_workbook_made_to_do_harm_is_refused_and_the_market_goes_on(stalls: Stalls, door: Door, of: str) -> None:
    refused = door.sent(stalls, hostile()[of], door.desk)
    assert (refused.status_code, refused.json()["code"]) == (422, door.code)
    assert ("too large" in refused.text) is (of in TOO_LARGE)
    assert stalls.client.get("/healthz").text == "ok"


TRIED = {
    f"{name}, tried": door._replace(path=f"{door.path}?dry_run=true")
    for name, door in DOORS.items()
    if door.code != "statement_file"
}


@pytest.mark.parametrize("door", (DOORS | TRIED).values(), ids=DOORS | TRIED)
def test_nothing_is_read_of_who_is_not_let_in(stalls: Stalls, door: Door) -> None:
    """Were it read, they would be told that it cannot be."""
    stranger, forbidden = (door.sent(stalls, FAR, who) for who in (None, "auditor"))
    assert (stranger.status_code, forbidden.status_code) == (401, 403)


def test_a_statement_is_read_before_its_account_is_locked(stalls: Stalls) -> None:
    """It may take a second; of an account that there is not, it is told that the file is no statement."""
    refused = DOORS["a bank's statement"].sent(stalls, b"what,is,this", "manager")
    assert (refused.status_code, refused.json()["code"]) == (422, "statement_file")
