"""The cash book over HTTP."""

from typing import Annotated

from fastapi import Query

from market.api import day_asked, declared, router_of
from market.cash.rules import CHART
from market.cash.schemas import TrialBalance, TrialBalanceLine, TrialBalanceQuery
from market.errors import FutureDateError
from market.identity.access import Caller, requires
from market.identity.rules import Permission
from market.ledger import queries as ledger
from market.ledger.queries import Balance
from market.ledger.rules import Book

router = router_of("cash")


@router.get("/trial-balance", responses=declared(FutureDateError))
def show_trial_balance(
    query: Annotated[TrialBalanceQuery, Query()], caller: Annotated[Caller, requires(Permission.CASH_READ)]
) -> TrialBalance:
    """Show what stands on the accounts of the cash book at the end of a day that has begun."""
    on = day_asked(query.on)
    with caller.transaction() as (session, _):
        found = ledger.balances(session, Book.CASH, on=on)
    lines = [
        TrialBalanceLine(
            code=account.code,
            kind=kind,
            name=account.zh,
            side=account.side,
            clears=account.clears,
            **found.get(kind, Balance(0, 0))._asdict(),
        )
        for kind, account in sorted(CHART.items(), key=lambda item: item[1].code)
    ]
    return TrialBalance(
        on=on,
        lines=lines,
        debit_fen=sum(line.debit_fen for line in lines),
        credit_fen=sum(line.credit_fen for line in lines),
    )
