"""Whose money an account holds, why a movement waits, and what is not taken over."""

from collections.abc import Mapping
from enum import StrEnum

from market.cash.rules import CashKind
from market.channels.rules import FundsModel
from market.errors import MarketError


class AccountPurpose(StrEnum):
    """Whose money an account holds: buyers', in custody at a bank or at the payment provider, or a supplier's own."""

    CUSTODY = "custody"
    PROVIDER = "provider"
    OWN = "own"
    CONNECTED = "connected"

    @property
    def is_in_book(self) -> bool:
        """Tell whether the cash book has what moves on such an account, before it is known what for."""
        return self in (AccountPurpose.CUSTODY, AccountPurpose.PROVIDER)


PAID_INTO: Mapping[FundsModel, AccountPurpose] = {
    FundsModel.DIRECT: AccountPurpose.OWN,
    FundsModel.CUSTODIAN: AccountPurpose.CUSTODY,
    FundsModel.STRIPE: AccountPurpose.PROVIDER,
}
"""Into which accounts buyers pay the orders of a funds model."""

MODELS: Mapping[AccountPurpose, FundsModel] = {purpose: model for model, purpose in PAID_INTO.items()}


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
    REFUNDED_UNASKED = "refunded_unasked"
    RECORDED_OTHERWISE = "recorded_otherwise"


class Meaning(StrEnum):
    """What a line is that belongs to no order, whichever way its money went."""

    BANK_FEE = "bank_fee"
    INTEREST = "interest"
    OWN_TRANSFER = "own_transfer"
    PROVIDER_PAYOUT = "provider_payout"
    PLATFORM_MONEY = "platform_money"
    NOT_OURS = "not_ours"
    BANK_ERROR = "bank_error"
    UNRELATED = "unrelated"


ACCOUNTS: Mapping[Meaning, CashKind] = {
    Meaning.BANK_FEE: CashKind.BANK_FEE,
    Meaning.INTEREST: CashKind.INTEREST,
    Meaning.OWN_TRANSFER: CashKind.IN_TRANSIT,
    Meaning.PROVIDER_PAYOUT: CashKind.IN_TRANSIT,
    Meaning.PLATFORM_MONEY: CashKind.PLATFORM_ACCOUNT,
    Meaning.NOT_OURS: CashKind.MISTAKEN,
    Meaning.BANK_ERROR: CashKind.MISTAKEN,
}
"""On which account of the chart a line in the book ends; there nothing is unrelated, at a supplier's own bank much is.

What goes out of one account of ours comes into another, and what is not ours goes back: these clear.
"""


class BankAccountTakenError(MarketError):
    """An account is registered once."""

    status = 409
    en = "This bank account is already registered."
    zh = "该银行账户已登记。"


class AccountNotConfirmedError(MarketError):
    """An account that one person registered is not the market's yet."""

    status = 409
    en = "No operator has confirmed this bank account yet."
    zh = "该银行账户尚未经平台运营员核准。"


class AccountConfirmedError(MarketError):
    """An account is confirmed once."""

    status = 409
    en = "This bank account is confirmed already."
    zh = "该银行账户已核准。"


class AccountClosedError(MarketError):
    """A closed account moves no more money; with its number another may be registered."""

    status = 409
    en = "This bank account was closed on {on}."
    zh = "该银行账户已于 {on} 停用。"


class NoPayingAccountError(MarketError):
    """What lies in custody is paid by an account in custody."""

    status = 409
    en = "The platform has no bank account in custody in use: register one, and have it confirmed."
    zh = "平台没有可用的托管账户,请先登记并经核准。"


class StatementTakenError(MarketError):
    """The same file is imported once."""

    status = 409
    en = "This statement was imported on {on}; all of its lines are there."
    zh = "该对账单已于 {on} 导入,全部流水均已登记。"


class ToldByStatementError(MarketError):
    """What the bank has told is matched, not typed again."""

    status = 409
    en = (
        "A statement tells of the bank reference {reference}: {amount_fen} yuan on {day}. Match that line instead of"
        " recording it by hand."
    )
    zh = "银行对账单已有流水号 {reference} 的流水({day},{amount_fen} 元),请匹配该笔流水,勿手工登记。"


class CountedByHandError(MarketError):
    """Under one reference no more counts than the bank told."""

    status = 409
    en = (
        "Under the reference {reference} of this line {recorded_fen} yuan were recorded by hand; {left_fen} yuan of"
        " what the bank told are left, {amount_fen} were given."
    )
    zh = "流水号 {reference} 已手工登记到款 {recorded_fen} 元,银行所记金额尚余 {left_fen} 元,所填为 {amount_fen} 元。"


class PaidAfterAllError(MarketError):
    """What is said to have failed may have been paid: nothing is paid in its place before that is known."""

    status = 409
    en = "The {machine} {number} failed, but a statement tells that its payment left. Decide first what that line is."
    zh = "{machine} {number} 已登记失败,但流水显示其款项已付出;请先处理该笔流水。"
