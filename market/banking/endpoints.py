"""Bank accounts and the lines of their statements over HTTP."""

from typing import Annotated
from uuid import UUID

from fastapi import Query, Response

from market.api import Page, PageQuery, declared, newest, router_of
from market.banking import accounts, queries
from market.banking.models import BankAccount, BankLine
from market.banking.rules import AccountClosedError, AccountConfirmedError, BankAccountTakenError
from market.banking.schemas import BankAccountOut, BankLineOut, BankLineQuery, RegisterBankAccount
from market.clock import business_date, utc_now
from market.errors import ConflictError, FourEyesError, NotFoundError
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("banking")


@router.post(
    "/bank-accounts",
    status_code=201,
    response_model=BankAccountOut,
    responses=declared(BankAccountTakenError),
)
def register_bank_account(
    request: RegisterBankAccount, caller: Annotated[Caller, requires(Permission.BANK_ACCOUNT_WRITE)]
) -> Response:
    """Register an account: the platform's is custody, for the buyers of several suppliers; a supplier's is its own."""
    now = utc_now()
    return caller.once(
        request,
        lambda session, actor: BankAccountOut.model_validate(
            accounts.register(session, actor, **request.model_dump(), now=now)
        ),
    )


@router.post(
    "/bank-accounts/{account_id}/confirmation",
    status_code=201,
    response_model=BankAccountOut,
    responses=declared(
        NotFoundError,
        AccountClosedError,
        AccountConfirmedError,
        BankAccountTakenError,
        ConflictError,
        FourEyesError,
    ),
)
def confirm_bank_account(
    account_id: UUID, caller: Annotated[Caller, requires(Permission.BANK_ACCOUNT_CONFIRM)]
) -> Response:
    """Confirm an account that another registered; before that nothing is paid to it, from it or matched in it."""
    now = utc_now()
    return caller.once(
        None,
        lambda session, actor: BankAccountOut.model_validate(
            accounts.confirm(session, actor, account_id=account_id, now=now)
        ),
    )


@router.get("/bank-accounts")
def list_bank_accounts(
    query: Annotated[PageQuery, Query()], caller: Annotated[Caller, requires(Permission.BANK_READ)]
) -> Page[BankAccountOut]:
    """List the accounts, newest first."""
    with caller.transaction() as (session, actor):
        wanted = queries.visible_accounts(actor)
        page, next_cursor = newest(session, wanted, BankAccount.id, query)
    return Page(items=[BankAccountOut.model_validate(row) for row in page], next_cursor=next_cursor)


@router.get("/bank-lines")
def list_bank_lines(
    query: Annotated[BankLineQuery, Query()], caller: Annotated[Caller, requires(Permission.BANK_READ)]
) -> Page[BankLineOut]:
    """List the movements of accounts, newest first: what waits for a match, why and for how long."""
    with caller.transaction() as (session, actor):
        wanted = queries.lines_asked(actor, query.bank_account_id, query.waiting, is_open=query.is_open)
        if query.booked_from:
            wanted = wanted.where(BankLine.booked_on >= query.booked_from)
        if query.booked_to:
            wanted = wanted.where(BankLine.booked_on <= query.booked_to)
        page, next_cursor = newest(session, wanted, BankLine.id, query)
    return Page(items=[_line(row) for row in page], next_cursor=next_cursor)


def _line(row: BankLine) -> BankLineOut:
    days = (business_date(utc_now()) - row.booked_on).days if row.open_fen else None
    plain = {name: getattr(row, name) for name in BankLineOut.model_fields if name not in {"open_days", "codes"}}
    return BankLineOut(**plain, open_days=days, codes=queries.codes_of(row))
