"""How the lines of the matrix about bank accounts, statements and matches are asked for."""

from typing import Any

from tests.access.ask import Ask, Asked, item, said, thing
from tests.payments.bank import Movement, export


def _match(asked: Asked) -> Any:
    return {"reason": "附言写错了识别码", "orders": [{"order_id": asked.place.accepted, "amount_fen": 100}]}


BANKING = {
    "POST /v1/bank-accounts": Ask(body=said(holder="合作社", bank_name="农行", number="1400 9999 9999")),
    "GET /v1/bank-accounts accounts": Ask(thing("bank_account"), lists=item()),
    "POST /v1/bank-accounts/{account_id}/statements account": Ask(
        thing("bank_account"), lambda _: export(Movement(123, "利息"))
    ),
    "GET /v1/bank-lines lines": Ask(thing("bank_line"), lists=item()),
    "POST /v1/bank-lines/{line_id}/matches line": Ask(thing("bank_line"), _match),
    "POST /v1/bank-lines/{line_id}/matches accepted order": Ask(body=_match, path=lambda asked: asked.home.bank_line),
    "POST /v1/matches/{proposal_id}/decision match": Ask(thing("match"), said(event="decline")),
    "GET /v1/matches matches": Ask(thing("match"), lists=item()),
}
