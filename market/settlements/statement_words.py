"""What the statement of a settlement says in Chinese: its columns, its particulars, where it stands."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from market.money import yuan
from market.settlements.rules import SettlementStatus
from market.settlements.statement import Account, Statement, Who

TITLE, TOTAL = "供应商结算单", "合计"


class Column(NamedTuple):
    """A column of the table of orders: its field, its title, and what it counts."""

    field: str
    title: str
    counts: str


COLUMNS: Sequence[Column] = (
    Column("accepted_fen", "验收金额", "起草结算单时采购方已验收的含税金额"),
    Column("returned_fen", "退货", "起草时已退货及折让的金额"),
    Column("settled_before_fen", "此前已结", "此前结算单已结的货款,未扣服务费,不含付款失败与退汇"),
    Column("gross_fen", "本次结算", "本次结算的货款,未扣服务费"),
    Column("fee_fen", "服务费", "平台服务费"),
    Column("netted_fen", "退货扣回", "此前已结后又退货或折让的金额,扣除相应服务费"),
    Column("reserved_fen", "留存保证金", "验收后约定期限内暂留,到期释放"),
    Column("released_fen", "释放保证金", "此前留存、本次付还"),
    Column("paid_fen", "实付", "本次结算-服务费-退货扣回-留存保证金+释放保证金"),
)
STATUS: Mapping[SettlementStatus, str] = {
    SettlementStatus.DRAFT: "待审批",
    SettlementStatus.APPROVED: "已批准,待付款",
    SettlementStatus.DECLINED: "已退回,不付款",
    SettlementStatus.INSTRUCTED: "已提交银行,待到账",
    SettlementStatus.CONFIRMED: "已付款",
    SettlementStatus.FAILED: "付款失败,货款仍应付",
    SettlementStatus.RETURNED: "已退汇,货款仍应付",
}


def particulars(found: Statement) -> list[tuple[str, str]]:
    """Return what is said of the settlement as a whole, name by name."""
    said = [
        ("结算单号", found.number),
        ("供应商", found.supplier_name),
        ("所结订单期间", f"{found.period_from} 至 {found.period_to}"),
        ("付款账户", _account(found.paid_from)),
        ("收款账户", _account(found.paid_to)),
        ("状态", STATUS[found.status]),
        ("起草", _who(found.drafted_by)),
        ("审批", _who(found.decided_by) if found.decided_by else "未审批"),
        ("扣回后尚欠(元)", f"{yuan(found.owed_after_fen)},结转下期扣回"),
        ("另一资金渠道尚欠(元)", f"{yuan(found.owed_apart_fen)},在该渠道结算时扣回"),
    ]
    days = (("提交银行日期", found.instructed_on), ("付款日期", found.paid_on), ("退汇日期", found.returned_on))
    return [*said, *((name, str(day)) for name, day in days if day)]


def _account(account: Account) -> str:
    return f"{account.holder} {account.bank_name} {account.number}"


def _who(who: Who) -> str:
    """Name who acted by organisation and the end of the member's id: logins are for their organisation alone."""
    return f"{who.organisation_name}(经办人 …{who.member_id.hex[-6:]})"


def figures(found: Statement) -> list[tuple[str, str, list[int]]]:
    """Return the table: of each order its number, its buyer, and in fen what the columns say; the totals come last."""
    rows = [
        (order.number, order.buyer_name, [getattr(order, column.field) for column in COLUMNS]) for order in found.orders
    ]
    before = [sum(amounts[place] for _, _, amounts in rows) for place in range(len(COLUMNS) - len(found.totals))]
    return [*rows, (TOTAL, "", [*before, *found.totals])]
