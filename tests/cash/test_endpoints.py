"""The cash book as those who may look at it see it."""

from datetime import date

import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import OrganisationKind, Role
from market.ledger import service as ledger
from market.ledger.rules import Book
from tests import factories
from tests.story import NOON, Story, open_channels


def trial_balance(client: TestClient, session: orm.Session, **query: str) -> dict[str, tuple[int, int]]:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    headers = factories.headers(session, factories.member(session, office, Role.AUDITOR))
    answer = client.get("/v1/trial-balance", params=query, headers=headers)
    assert answer.status_code == 200
    body = answer.json()
    assert body["debit_fen"] == body["credit_fen"]
    assert [line["code"] for line in body["lines"]] == sorted(line["code"] for line in body["lines"])
    return {
        line["kind"]: (line["debit_fen"], line["credit_fen"])
        for line in body["lines"]
        if line["debit_fen"] or line["credit_fen"]
    }


def sold(session: orm.Session) -> Story:
    """Sell for 100.00 and be paid 60.00 of it; sell for 50.00 more and be paid 20.00 before it is shipped."""
    open_channels(session)
    story = Story(session, price_fen=1_000)
    story.lot(100_000)
    story.pay(story.sell("10"), 6_000)
    story.pay(story.place("5"), 2_000)
    return story


def test_debits_and_credits_come_to_the_same_and_each_account_says_whose_money_it_is(
    client: TestClient, session: orm.Session
) -> None:
    sold(session)
    assert trial_balance(client, session) == {
        "supplier_account": (2_000, 0),
        "buyer_receivable": (4_000, 0),
        "held": (0, 2_000),
        "supplier_payable": (0, 4_000),
    }


def test_a_day_before_the_first_entry_has_no_balances(client: TestClient, session: orm.Session) -> None:
    sold(session)
    assert trial_balance(client, session, on="2026-01-01") == {}


@time_machine.travel(date(2027, 1, 4), tick=False)
def test_a_closed_month_changes_no_balance_of_any_day(client: TestClient, session: orm.Session) -> None:
    story = sold(session)
    days = ("2026-03-31", "2026-04-30", "2026-12-31")
    before = [trial_balance(client, session, on=day) for day in days]
    ledger.close_month(session, Book.CASH, month=NOON.date(), closed_by=story.clerk.member_id, today=date(2026, 6, 1))
    assert [trial_balance(client, session, on=day) for day in days] == before


def test_nothing_is_said_of_a_day_that_is_still_to_come(session: orm.Session, client: TestClient) -> None:
    office = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    headers = factories.headers(session, factories.member(session, office, Role.AUDITOR))
    for path in ("trial-balance", "monitoring/counts", "monitoring/warnings", "households"):
        answer = client.get(f"/v1/{path}", params={"on": "2199-01-01"}, headers=headers)
        assert (path, answer.status_code, answer.json()["code"]) == (path, 422, "future_date")
        assert answer.json()["errors"][0]["pointer"] == "/query/on"
