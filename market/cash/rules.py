"""The chart of accounts, the funds models, and where an order's money stands after its facts."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from market.channels.rules import FundsModel
from market.money import share_bp

PLATFORM = UUID(int=0)
"""Owns the accounts of which the platform has one."""


class Side(StrEnum):
    """What an account is, and so on which side its balance stands."""

    ASSET = "asset"
    LIABILITY = "liability"
    INCOME = "income"
    EXPENSE = "expense"

    @property
    def is_debit(self) -> bool:
        """Tell whether a debit adds to such an account."""
        return self in (Side.ASSET, Side.EXPENSE)


class CashKind(StrEnum):
    """The kinds of accounts in the cash book."""

    PLATFORM_ACCOUNT = "platform_account"
    SUPPLIER_ACCOUNT = "supplier_account"
    CUSTODY = "custody"
    PROVIDER_PENDING = "provider_pending"
    PROVIDER_AVAILABLE = "provider_available"
    IN_TRANSIT = "in_transit"
    SUPPLIER_RECEIVABLE = "supplier_receivable"
    BUYER_RECEIVABLE = "buyer_receivable"
    HELD = "held"
    SUPPLIER_PAYABLE = "supplier_payable"
    SUPPLIER_RESERVE = "supplier_reserve"
    REFUND_PAYABLE = "refund_payable"
    UNMATCHED = "unmatched"
    MISTAKEN = "mistaken"
    DISPUTE_HOLD = "dispute_hold"
    SETTLEMENT = "settlement"
    PLATFORM_FEE = "platform_fee"
    INTEREST = "interest"
    PROVIDER_FEE = "provider_fee"
    BANK_FEE = "bank_fee"
    DISPUTE_LOSS = "dispute_loss"


class Account(NamedTuple):
    """A line of the chart: its number, its side, its Chinese name, and whether it must clear, by going back to zero."""

    code: str
    side: Side
    zh: str
    clears: bool = False


_K, _S = CashKind, Side
CHART: Mapping[CashKind, Account] = {
    _K.PLATFORM_ACCOUNT: Account("1010", _S.ASSET, "平台自有账户"),
    _K.SUPPLIER_ACCOUNT: Account("1015", _S.ASSET, "供应商自有账户"),
    _K.CUSTODY: Account("1040", _S.ASSET, "托管账户"),
    _K.PROVIDER_PENDING: Account("1020", _S.ASSET, "支付机构在途", clears=True),
    _K.PROVIDER_AVAILABLE: Account("1021", _S.ASSET, "支付机构可用"),
    _K.IN_TRANSIT: Account("1030", _S.ASSET, "付款在途", clears=True),
    _K.DISPUTE_HOLD: Account("1050", _S.ASSET, "争议冻结款", clears=True),
    _K.SUPPLIER_RECEIVABLE: Account("1110", _S.ASSET, "应收供应商"),
    _K.BUYER_RECEIVABLE: Account("1120", _S.ASSET, "应收采购方"),
    _K.HELD: Account("2010", _S.LIABILITY, "订单暂存款"),
    _K.SUPPLIER_PAYABLE: Account("2020", _S.LIABILITY, "应付供应商"),
    _K.SUPPLIER_RESERVE: Account("2021", _S.LIABILITY, "供应商保证金"),
    _K.REFUND_PAYABLE: Account("2030", _S.LIABILITY, "应退货款"),
    _K.UNMATCHED: Account("2040", _S.LIABILITY, "待匹配到款", clears=True),
    _K.MISTAKEN: Account("2045", _S.LIABILITY, "误入误付款", clears=True),
    _K.SETTLEMENT: Account("2060", _S.LIABILITY, "结算批次", clears=True),
    _K.PLATFORM_FEE: Account("4010", _S.INCOME, "平台服务费"),
    _K.INTEREST: Account("4030", _S.INCOME, "利息收入"),
    _K.PROVIDER_FEE: Account("5010", _S.EXPENSE, "支付机构手续费"),
    _K.DISPUTE_LOSS: Account("5020", _S.EXPENSE, "争议损失"),
    _K.BANK_FEE: Account("5040", _S.EXPENSE, "银行手续费"),
}
"""The chart. Memorandum accounts are those of which no statement is kept: 1015, the supplier's own, which never is the
platform's, and 1010, the platform's own, which never is custody.
"""

TILL: Mapping[FundsModel, CashKind] = {
    FundsModel.DIRECT: _K.SUPPLIER_ACCOUNT,
    FundsModel.CUSTODIAN: _K.UNMATCHED,
    FundsModel.STRIPE: _K.UNMATCHED,
}
"""From where a buyer's money comes to an order: what a bank brings is there before it is known for which order."""

PASSING: Mapping[FundsModel, CashKind] = {
    FundsModel.DIRECT: _K.SUPPLIER_ACCOUNT,
    FundsModel.CUSTODIAN: _K.SETTLEMENT,
    FundsModel.STRIPE: _K.SETTLEMENT,
}
"""Against which account a supplier's earnings are paid on; one that is paid directly has them already."""

AWAY: Mapping[FundsModel, CashKind] = {
    FundsModel.DIRECT: _K.SUPPLIER_ACCOUNT,
    FundsModel.CUSTODIAN: _K.IN_TRANSIT,
    FundsModel.STRIPE: _K.IN_TRANSIT,
}
"""Over which account a refund leaves: it is on its way until the bank or the provider tells that it has left."""


@dataclass(frozen=True, slots=True)
class Funds:
    """The facts of an order's money, gross but for two and cumulative, in fen.

    `captured_fen` came from the buyer, `refunded_fen` of it was sent back, `kept_fen` is accepted and not returned,
    `to_come_fen` may still be accepted. Two are net of the fee: `passed_fen`, what was paid on to the supplier, and
    `reserved_fen`, what was kept back when that was decided.
    """

    captured_fen: int = 0
    refunded_fen: int = 0
    kept_fen: int = 0
    to_come_fen: int = 0
    passed_fen: int = 0
    fee_bp: int = 0
    reserved_fen: int = 0

    @property
    def refundable_fen(self) -> int:
        """Return all that is to go back or went back: what the buyer paid and will not owe."""
        return max(self.refunded_fen, self.captured_fen - self.kept_fen - self.to_come_fen)

    @property
    def to_refund_fen(self) -> int:
        """Return what is to go back and was not sent."""
        return self.refundable_fen - self.refunded_fen

    @property
    def receivable_fen(self) -> int:
        """Return what was accepted and is not paid for."""
        return max(self.kept_fen - self.captured_fen + self.refundable_fen, 0)

    @property
    def held_fen(self) -> int:
        """Return what is paid and not yet accepted."""
        return self.captured_fen + self.receivable_fen - self.refundable_fen - self.kept_fen

    @property
    def fee_fen(self) -> int:
        """Return the platform's fee on what is kept; it falls with returns."""
        return share_bp(self.kept_fen, self.fee_bp)

    @property
    def earned_fen(self) -> int:
        """Return what the supplier earns of what is kept."""
        return self.kept_fen - self.fee_fen

    @property
    def paid_directly(self) -> "Funds":
        """Return the same funds where the buyer pays the supplier: it has what it earned as soon as that is paid."""
        return replace(self, passed_fen=min(self.kept_fen, self.captured_fen - self.refundable_fen))

    @property
    def claim_fen(self) -> int:
        """Return what the supplier has earned and not had, in reserve or not."""
        return max(self.earned_fen - self.passed_fen, 0)

    @property
    def reserve_fen(self) -> int:
        """Return what of its claim is in reserve: a return takes what is payable first."""
        return min(max(self.reserved_fen, 0), self.claim_fen)

    @property
    def payable_fen(self) -> int:
        """Return what the supplier has earned and not had, and may be paid."""
        return self.claim_fen - self.reserve_fen

    @property
    def owing_fen(self) -> int:
        """Return what the supplier has had and not earned: goods came back after they were settled."""
        return max(self.passed_fen - self.earned_fen, 0)


class Leg(NamedTuple):
    """A move in the cash book between accounts of one order, in fen."""

    debit: CashKind
    credit: CashKind
    fen: int


def legs(model: FundsModel, before: Funds, after: Funds) -> list[Leg]:
    """Return the moves that take an order's accounts from where they stand before to where they stand after.

    All but what is paid on goes by way of what is held for the order.
    """
    held = _K.HELD
    return [
        *_move(TILL[model], held, after.captured_fen - before.captured_fen),
        *_move(_K.BUYER_RECEIVABLE, held, after.receivable_fen - before.receivable_fen),
        *_move(held, _K.REFUND_PAYABLE, after.refundable_fen - before.refundable_fen),
        *_move(_K.REFUND_PAYABLE, AWAY[model], after.refunded_fen - before.refunded_fen),
        *_move(held, _K.PLATFORM_FEE, after.fee_fen - before.fee_fen),
        *_against_supplier(held, after.earned_fen - before.earned_fen, before.owing_fen, before.claim_fen),
        *_passed(model, before, after),
        *_move(_K.SUPPLIER_PAYABLE, _K.SUPPLIER_RESERVE, after.reserve_fen - before.reserve_fen),
    ]


def _passed(model: FundsModel, before: Funds, after: Funds) -> Iterator[Leg]:
    earned_fen = after.earned_fen - before.passed_fen
    fen = before.passed_fen - after.passed_fen
    yield from _against_supplier(PASSING[model], fen, max(-earned_fen, 0), max(earned_fen, 0))


def _against_supplier(other: CashKind, fen: int, owing_fen: int, claim_fen: int) -> Iterator[Leg]:
    """Credit a supplier: what it owes first, then what it is owed; debit it the other way round."""
    if fen >= 0:
        paid_off_fen = min(owing_fen, fen)
        yield from _move(other, _K.SUPPLIER_RECEIVABLE, paid_off_fen)
        yield from _move(other, _K.SUPPLIER_PAYABLE, fen - paid_off_fen)
    else:
        taken_fen = min(claim_fen, -fen)
        yield from _move(_K.SUPPLIER_PAYABLE, other, taken_fen)
        yield from _move(_K.SUPPLIER_RECEIVABLE, other, -fen - taken_fen)


def _move(debit: CashKind, credit: CashKind, fen: int) -> Iterator[Leg]:
    if fen > 0:
        yield Leg(debit, credit, fen)
    elif fen < 0:
        yield Leg(credit, debit, -fen)
