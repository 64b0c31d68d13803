"""The daily reconciliation over HTTP."""

from typing import Annotated

from market.api import router_of
from market.audit import reconciling
from market.audit.reconciliation_schemas import BreakOut, ClearedOut, ReconciliationOut
from market.cash.rules import CHART
from market.clock import utc_now
from market.db import plan_anew
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("cash")


@router.get("/reconciliation")
def show_reconciliation(caller: Annotated[Caller, requires(Permission.CASH_READ)]) -> ReconciliationOut:
    """Show what is under way between banks, the payment provider and the book, why, and for how long."""
    with caller.transaction() as (session, _):
        plan_anew(session)
        found = reconciling.reconcile(session, now=utc_now())
    return ReconciliationOut(
        on=found.on,
        unexplained_fen=found.unexplained_fen,
        accounts=[
            ClearedOut(
                code=CHART[each.account].code,
                account=each.account,
                name=CHART[each.account].zh,
                balance_fen=each.balance_fen,
                explained_fen=each.explained_fen,
                unexplained_fen=each.unexplained_fen,
            )
            for each in found.accounts
        ],
        breaks=[BreakOut(**each._asdict(), days=max((found.on - each.since).days, 0)) for each in found.breaks],
    )
