"""Whose money an account holds, why a movement waits, and what is not taken over."""

from enum import StrEnum

from market.errors import MarketError


class AccountPurpose(StrEnum):
    """Whose money an account holds: buyers', in custody at a bank or at the payment provider, or a supplier's own."""

    CUSTODY = "custody"
    PROVIDER = "provider"
    OWN = "own"
    CONNECTED = "connected"


class Waiting(StrEnum):
    """Why a line of a statement waits for a person."""

    NO_CODE = "no_code"
    UNKNOWN_CODE = "unknown_code"
    NOTHING_OWED = "nothing_owed"
    TOO_LITTLE = "too_little"
    TOO_MUCH = "too_much"
    WENT_OUT = "went_out"
    REVERSAL = "reversal"
    RETURNED = "returned"


class BankAccountTakenError(MarketError):
    """An account is registered once."""

    status = 409
    en = "This bank account is already registered."
    zh = "该银行账户已登记。"


class StatementTakenError(MarketError):
    """The same file is imported once."""

    status = 409
    en = "This statement was imported on {on}; all of its lines are there."
    zh = "该对账单已于 {on} 导入,全部流水均已登记。"
