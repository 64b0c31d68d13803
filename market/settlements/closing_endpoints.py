"""Closing bank accounts over HTTP: it is known here what a bank was told to pay from or to them."""

from typing import Annotated
from uuid import UUID

from fastapi import Response

from market.api import declared, router_of
from market.banking.rules import AccountClosedError
from market.banking.schemas import BankAccountOut, CloseBankAccount
from market.clock import utc_now
from market.errors import NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Permission
from market.settlements import closing
from market.settlements.rules import AccountBusyError

router = router_of("banking")


@router.post(
    "/bank-accounts/{account_id}/closure",
    status_code=201,
    response_model=BankAccountOut,
    responses=declared(NotFoundError, AccountClosedError, AccountBusyError),
)
def close_bank_account(
    account_id: UUID,
    request: CloseBankAccount,
    caller: Annotated[Caller, requires(Permission.BANK_ACCOUNT_WRITE)],
) -> Response:
    """Take an account of your organisation out of use for ever, also one that nobody confirmed.

    Nobody is told to pay into it, and nothing is paid from or to it. Its number is free: used again, it is registered
    anew and another confirms it. Its lines stay, and statements of its last days are imported as before.
    """
    now = utc_now()
    return caller.once(
        request,
        lambda session, actor: BankAccountOut.model_validate(
            closing.close(session, actor, account_id=account_id, reason=request.reason, now=now)
        ),
    )
