"""How the lines of the matrix about bank accounts, statements, matches and settlements are asked for."""

from typing import Any
from uuid import UUID

import sqlalchemy as sa

from market.banking.models import BankAccount
from market.db import Database
from market.payments.gateway import Gateway
from market.payments.models import Refund
from tests.access.ask import Ask, Asked, item, said, thing
from tests.payments.bank import Movement, export


def _match(asked: Asked) -> Any:
    return {"reason": "附言写错了识别码", "orders": [{"order_id": asked.place.accepted, "amount_fen": 100}]}


def _unconfirmed(db: Database, _: Gateway, asked: Asked) -> None:
    """Let the account be one that nobody confirmed yet."""
    account = sa.update(BankAccount).where(BankAccount.id == UUID(asked.place.bank_account))
    with db.transaction() as session:
        session.execute(account.values(confirmed_by=None, confirmed_at=None))


def _no_refund_under_way(db: Database, _: Gateway, __: Asked) -> None:
    """Let no bank have been told to pay a refund."""
    with db.transaction() as session:
        session.execute(sa.update(Refund).values(account_id=None))


BANKING = {
    "POST /v1/bank-accounts": Ask(body=said(bank_name="农行", number="1400 9999 9999")),
    "POST /v1/bank-accounts/{account_id}/confirmation account": Ask(thing("bank_account"), before=_unconfirmed),
    "POST /v1/bank-accounts/{account_id}/closure account": Ask(
        thing("bank_account"), said(reason="已销户"), before=_no_refund_under_way
    ),
    "GET /v1/bank-accounts accounts": Ask(thing("bank_account"), lists=item()),
    "POST /v1/bank-accounts/{account_id}/statements account": Ask(
        thing("bank_account"), lambda _: export(Movement(123, "利息"))
    ),
    "GET /v1/bank-lines lines": Ask(thing("bank_line"), lists=item()),
    "POST /v1/bank-lines/{line_id}/matches line": Ask(thing("bank_line"), _match),
    "POST /v1/bank-lines/{line_id}/matches accepted order": Ask(body=_match, path=lambda asked: asked.home.bank_line),
    "POST /v1/matches/{proposal_id}/decision match": Ask(thing("match"), said(event="decline")),
    "POST /v1/matches/{proposal_id}/undoing meaning": Ask(thing("meaning"), said(reason="误定为利息")),
    "POST /v1/settlements supplier": Ask(body=lambda asked: {"supplier_id": asked.place.earning}),
    "GET /v1/settlements settlements": Ask(thing("settlement"), lists=item()),
    "GET /v1/settlements/{settlement_id} settlement": Ask(thing("settlement")),
    "GET /v1/settlements/{settlement_id}/statement settlement": Ask(thing("settlement")),
    "GET /v1/settlements/{settlement_id}/statement.pdf settlement": Ask(thing("settlement")),
    "GET /v1/settlements/{settlement_id}/statement.xlsx settlement": Ask(thing("settlement")),
    "POST /v1/settlements/{settlement_id}/decision settlement": Ask(thing("settlement"), said(event="approve")),
    "POST /v1/settlements/{settlement_id}/instruction approved settlement": Ask(thing("approved_settlement")),
    "GET /v1/settlements/{settlement_id}/payment-file instructed settlement": Ask(thing("instructed_settlement")),
    "POST /v1/settlements/{settlement_id}/confirmation paid settlement": Ask(thing("paid_settlement")),
    "POST /v1/settlements/{settlement_id}/return returning settlement": Ask(thing("returning_settlement")),
    "POST /v1/settlements/{settlement_id}/failure instructed settlement": Ask(thing("instructed_settlement")),
    "GET /v1/matches matches": Ask(thing("match"), lists=item()),
}
