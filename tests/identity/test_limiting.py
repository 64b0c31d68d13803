"""Guessing a password is stopped before it costs anything, and for nobody but the guesser."""

from datetime import timedelta

import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity import limiting, service
from market.identity.limiting import SignInLimits
from market.identity.refusals import TooManySignInsError
from market.identity.rules import Role
from tests import factories
from tests.stalls import NOON


def tried(limits: SignInLimits, times: int, *, address: str = "10.0.0.{}", login: str = "clerk{}") -> int:
    """Try so often, each time from another address and as another person, unless told; return how often it is let."""
    let = 0
    for number in range(times):
        try:
            limits.admit(address=address.format(number), login=login.format(number))
        except TooManySignInsError:
            continue
        let += 1
    return let


@pytest.mark.parametrize(
    ("same", "most"),
    [
        ({"address": "10.0.0.1"}, limiting.OF_AN_ADDRESS.amount),
        ({"login": "clerk"}, limiting.OF_AN_ACCOUNT.amount),
        ({}, limiting.IN_ALL.amount),
    ],
)
def test_attempts_are_bounded_and_free_again_when_the_window_has_passed(same: dict[str, str], most: int) -> None:
    limits = SignInLimits()
    with time_machine.travel(NOON, tick=False) as clock:
        assert tried(limits, most + 3, **same) == most
        clock.shift(timedelta(minutes=5, seconds=1))
        assert tried(limits, most + 3, **same) == most


def test_an_address_that_is_refused_locks_no_account_out() -> None:
    limits = SignInLimits()
    with time_machine.travel(NOON, tick=False):
        tried(limits, limiting.OF_AN_ADDRESS.amount, address="10.0.0.1")
        assert tried(limits, 100, address="10.0.0.1", login="director") == 0
        assert tried(limits, 1, address="10.0.0.2", login="director") == 1


def test_a_refused_attempt_says_when_to_come_back_and_hashes_nothing(
    client: TestClient, session: orm.Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = factories.member(session, factories.organisation(session), Role.SUPPLIER_CLERK)
    asked = {"login": person.login, "password": factories.PASSWORD}
    with time_machine.travel(NOON, tick=False) as clock:
        for _ in range(limiting.OF_AN_ACCOUNT.amount):
            assert client.post("/v1/tokens", json=asked | {"password": "wrong"}).status_code == 401
        with monkeypatch.context() as unhashed:
            unhashed.setattr(service, "_HASHER", None)
            refused = client.post("/v1/tokens", json=asked, headers={"Accept-Language": "zh"})
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_sign_ins")
        assert refused.headers["retry-after"] == "300"
        assert refused.json()["detail"] == "登录尝试过于频繁,请在 300 秒后重试。"
        clock.shift(timedelta(minutes=5, seconds=1))
        assert client.post("/v1/tokens", json=asked).status_code == 201
