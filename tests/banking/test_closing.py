"""Bank accounts that are taken out of use, by one person, and come back by two."""

from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import exc

from market.banking.models import BankAccount
from market.banking.rules import AccountPurpose
from market.identity.models import Organisation
from market.identity.rules import Role
from tests.payments.bank import Movement, export
from tests.stalls import Desk, Stalls

WHY = {"reason": "该账户已在银行销户"}
NUMBER = "1400 0001"


@pytest.fixture
def account(stalls: Stalls) -> str:
    return stalls.bank_account(stalls.manager, NUMBER, stalls.operator)


def closed(desk: Desk, account: str) -> dict[str, Any]:
    """Close an account."""
    return dict(desk.made(f"/bank-accounts/{account}/closure", WHY))


def refused(desk: Desk, path: str, body: Any = None) -> tuple[int, str]:
    """What is said to who is refused."""
    answer = desk.post(path, body)
    return answer.status_code, answer.json()["code"]


def told(desk: Desk, account: str, *movements: Movement) -> Any:
    """Import a statement."""
    headers = desk.bearer | {"Idempotency-Key": uuid4().hex, "Content-Type": "text/csv"}
    path = f"/v1/bank-accounts/{account}/statements"
    return desk.client.post(path, content=export(*movements), headers=headers)


def test_a_closed_account_is_told_to_no_payer_and_its_last_statements_still_count(stalls: Stalls, account: str) -> None:
    former = stalls.bank_account(stalls.manager, "1400 0009", stalls.operator)
    newest = stalls.bank_account(stalls.manager, "1400 0002", stalls.operator)
    order = stalls.placed()
    done = closed(stalls.manager, newest)
    assert (done["closed_by"], done["closing_reason"]) == (str(stalls.manager.member.id), WHY["reason"])
    assert done["closed_at"] is not None
    assert stalls.manager.get(f"/orders/{order['id']}").json()["how_to_pay"]["account"]["number"] == "1400 0009"
    late = told(stalls.manager, newest, Movement(order["amount_fen"], order["identification_code"]))
    assert (late.status_code, late.json()["matched_count"]) == (201, 1)
    for each in (former, account):
        closed(stalls.manager, each)
    other = stalls.placed()
    assert stalls.manager.get(f"/orders/{other['id']}").json()["how_to_pay"]["account"] is None
    assert refused(stalls.manager, f"/bank-accounts/{newest}/closure", WHY) == (409, "account_closed")


def test_a_number_comes_back_by_a_new_registration_that_another_confirms_and_tells_each_movement_once(
    stalls: Stalls, account: str
) -> None:
    movements = [Movement(500, "利息", "L-1"), Movement(700, "利息", "L-2")]
    assert told(stalls.manager, account, movements[0]).json()["new_count"] == 1
    closed(stalls.manager, account)
    asked = {"bank_name": "农行", "number": NUMBER}
    again = stalls.manager.made("/bank-accounts", asked)["id"]
    assert told(stalls.manager, account, Movement(1, "利息", "L-0")).status_code == 201
    assert refused(stalls.operator, f"/bank-accounts/{account}/confirmation") == (409, "account_closed")
    stalls.operator.made(f"/bank-accounts/{again}/confirmation")
    assert told(stalls.manager, again, *movements).json()["new_count"] == 1
    late = told(stalls.manager, account, Movement(2, "利息", "L-3"))
    assert (late.status_code, late.json()["code"]) == (409, "account_closed")
    assert refused(stalls.manager, "/bank-accounts", asked) == (409, "bank_account_taken")


def test_a_wrong_account_that_nobody_confirmed_is_closed_by_its_own_side_alone(stalls: Stalls) -> None:
    account = stalls.manager.made("/bank-accounts", {"bank_name": "农行", "number": "1400 7777"})["id"]
    path = f"/bank-accounts/{account}/closure"
    assert refused(stalls.manager, path, {}) == (422, "invalid_input")
    assert refused(stalls.clerk, path, WHY) == (403, "forbidden")
    assert refused(stalls.operator, path, WHY) == (404, "not_found")
    stranger = stalls.desk(stalls.session.get_one(Organisation, stalls.operator.member.organisation_id), Role.OPERATOR)
    assert refused(stranger, path, WHY) == (404, "not_found")
    custody = stranger.made("/bank-accounts", {"bank_name": "农行", "number": "1400 8888"})["id"]
    assert refused(stalls.manager, f"/bank-accounts/{custody}/closure", WHY) == (404, "not_found")
    assert closed(stalls.operator, custody)["purpose"] == "custody"
    closed(stalls.manager, account)
    assert refused(stalls.operator, f"/bank-accounts/{account}/confirmation") == (409, "account_closed")


def test_the_provider_keeps_the_accounts_that_are_with_it(stalls: Stalls, account: str) -> None:
    like = stalls.session.get_one(BankAccount, UUID(account))
    facts = {name: getattr(like, name) for name in ("organisation_id", "holder", "bank_name", "bank_code", "opened_by")}
    purpose, since = AccountPurpose.CONNECTED, like.opened_at
    row = BankAccount(**facts, purpose=purpose, number="acct_1", number_key="acct_1", opened_at=since)
    stalls.session.add(row)
    stalls.session.flush()
    assert refused(stalls.manager, f"/bank-accounts/{row.id}/closure", WHY) == (422, "invalid_input")
    spoilt = sa.text("UPDATE bank_accounts SET closed_by = opened_by, closed_at = opened_at, closing_reason = '销户'")
    with pytest.raises(exc.IntegrityError, match="the_provider_closes_its_own"), stalls.session.begin_nested():
        stalls.session.execute(spoilt)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ("UPDATE bank_accounts SET closed_by = NULL, closed_at = NULL, closing_reason = NULL", "stays closed"),
        ("UPDATE bank_accounts SET number = '1400 6666'", "permission denied"),
        ("DELETE FROM bank_accounts", "permission denied"),
    ],
)
def test_the_database_opens_no_closed_account_again(stalls: Stalls, account: str, change: str, why: str) -> None:
    closed(stalls.manager, account)
    with pytest.raises(exc.DBAPIError, match=why), stalls.session.begin_nested():
        stalls.session.execute(sa.text(change))
