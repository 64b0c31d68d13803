"""What an audit can find, in words for a person: differences between book and facts, and broken invariants."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from market.errors import MarketError
from market.money import yuan

MOST_LINES = 2_000
"""A request replays at most so many order lines, a few seconds' work that holds a connection; `market verify` has no
such bound."""

MOST_DAYS = 366
"""A household is traced over at most a year at a time."""


class Reason(StrEnum):
    """Why money stands between two places."""

    UNMATCHED = "unmatched"
    OWN_TRANSFER = "own_transfer"
    MISTAKEN = "mistaken"
    PENDING = "pending"
    SETTLEMENT_APPROVED = "settlement_approved"
    SETTLEMENT_SENT = "settlement_sent"
    REFUND_SENT = "refund_sent"
    REFUND_FAILED = "refund_failed"
    DISPUTED = "disputed"
    TO_REFUND = "to_refund"
    CALL_PARKED = "call_parked"
    EVENT_PARKED = "event_parked"
    PAYMENT_OPEN = "payment_open"
    STATEMENT_DIFFERS = "statement_differs"
    BALANCE_DIFFERS = "balance_differs"


class Difference(StrEnum):
    """How book and facts can differ."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    AMOUNT = "amount"
    NO_FACT = "no_fact"
    POSTED_TWICE = "posted_twice"
    DATE = "date"
    FACTS = "facts"
    FACTS_HASH = "facts_hash"
    PLAN_HASH = "plan_hash"
    PLAN_PIN = "plan_pin"
    SALE = "sale"
    DRAW = "draw"
    LIST = "list"
    REGISTER = "register"


WORDS: Mapping[Difference, tuple[str, str]] = {
    Difference.MISSING: ("the facts ask for a transfer that the book lacks", "账簿缺少应有分录"),
    Difference.UNEXPECTED: ("the book has a transfer that the facts do not ask for", "账簿存在无依据分录"),
    Difference.AMOUNT: ("the amount is not what the facts make it", "金额与事实不符"),
    Difference.NO_FACT: ("no fact stands behind this entry", "凭证没有对应的业务事实"),
    Difference.POSTED_TWICE: ("one fact was posted more than once", "同一事实重复入账"),
    Difference.DATE: ("the day is not that of the fact", "入账日期与事实不符"),
    Difference.FACTS: ("the facts kept with the entry are not those on record", "凭证所附依据与记录不符"),
    Difference.FACTS_HASH: ("the facts kept with the entry do not have its hash", "凭证所附依据的哈希不符"),
    Difference.PLAN_HASH: ("the plan version does not have its hash", "带农方案内容与其哈希不符"),
    Difference.PLAN_PIN: ("the order line pins another plan than the version has", "订单行锁定的方案哈希与方案不符"),
    Difference.SALE: ("the amount does not follow from quantity, price and tax", "金额与数量、单价、税率不符"),
    Difference.DRAW: ("the draws on the lot do not follow each other", "批次提取量不连续"),
    Difference.LIST: (
        "the list does not follow from its formula and what that was computed from",
        "分配名单与其公式及依据(名册、交售量)不符",
    ),
    Difference.REGISTER: ("the register was amended after the posting, which stands", "入账后户籍状态有补登,原账不变"),
}

NAMES: Mapping[str, str] = {
    "household": "农户",
    "collective": "村集体",
    "retained": "留存",
    "pool": "资金池",
    "suspense": "待处理",
    "base": "归集来源",
    "top_up_base": "补差来源",
    "paid_ahead": "预付来源",
    "accrued": "应计",
    "recognised": "确认",
    "disbursed": "兑付",
    "confirmed": "农户确认",
    "advance": "预付",
    "top_up": "补差",
    "top_up_paid": "补差已付",
}
"""The Chinese words for kinds of account and steps."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One difference: at which entry, whose account, and the fen that were expected and found."""

    difference: Difference
    source: str
    order_id: UUID | None = None
    order_line_id: UUID | None = None
    owner_kind: str | None = None
    owner_id: UUID | None = None
    owner_name: str | None = None
    step: str | None = None
    expected_fen: int | None = None
    found_fen: int | None = None
    detail: str | None = None

    def line(self, language: str = "en") -> str:
        """Return the finding as one line in `zh` or `en`."""
        chinese = language == "zh"
        parts = [WORDS[self.difference][chinese]]
        if self.owner_kind:
            kind, step = (NAMES.get(word, word) if chinese else word for word in (self.owner_kind, self.step or ""))
            parts.append(f"{kind} {self.owner_name or self.owner_id} {step}".rstrip())
        if self.expected_fen is not None:
            parts.append(f"{'应为' if chinese else 'expected'} {yuan(self.expected_fen)}")
        if self.found_fen is not None:
            parts.append(f"{'实为' if chinese else 'found'} {yuan(self.found_fen)}")
        if self.detail:
            parts.append(self.detail)
        return f"{self.source}: " + (";" if chinese else "; ").join(parts)


@dataclass(frozen=True, slots=True)
class Verification:
    """What was recomputed and what differs; notes are differences that the register's own history explains."""

    suppliers: int = 0
    lines: int = 0
    entries: int = 0
    transfers: int = 0
    findings: Sequence[Finding] = ()
    notes: Sequence[Finding] = ()

    @property
    def sound(self) -> bool:
        """Tell whether the book is what the facts make it."""
        return not self.findings

    def __add__(self, other: "Verification") -> "Verification":
        return Verification(
            self.suppliers + other.suppliers,
            self.lines + other.lines,
            self.entries + other.entries,
            self.transfers + other.transfers,
            (*self.findings, *other.findings),
            (*self.notes, *other.notes),
        )


@dataclass(frozen=True, slots=True)
class Invariant:
    """A sentence that always holds; `query` returns `(subject, expected, found)` of what breaks it."""

    name: str
    en: str
    zh: str
    query: str


@dataclass(frozen=True, slots=True)
class Symptom:
    """A broken invariant: what breaks it, what was expected there and what was found."""

    invariant: str
    en: str
    zh: str
    subject: str
    expected: str
    found: str

    def line(self, language: str = "en") -> str:
        """Return the symptom as one line in `zh` or `en`."""
        if language == "zh":
            return f"{self.invariant}: 违反「{self.zh}」;{self.subject};应为 {self.expected};实为 {self.found}"
        return f"{self.invariant}: broken: {self.en}; {self.subject}; expected {self.expected}; found {self.found}"


class MonitoringRule(StrEnum):
    """What a household is warned of."""

    BELOW_THE_LINE = "below_the_line"
    NOTHING_RECORDED = "nothing_recorded"
    EXPENSE_JUMPS = "expense_jumps"
    OPERATING_INCOME_WITHOUT_EXPENSE = "operating_income_without_expense"
    HELP_WITHOUT_OPERATING_INCOME = "help_without_operating_income"
    WAGE_IMPLAUSIBLE = "wage_implausible"
    PAID_ABOVE_ATTRIBUTED = "paid_above_attributed"
    STATUS_LAPSED = "status_lapsed"
    ASSISTANCE_LAPSED = "assistance_lapsed"
    DELIVERED_BEYOND_LAND = "delivered_beyond_land"
    UNCHECKED_ITEMS = "unchecked_items"
    STATUS_RECORDED_LATE = "status_recorded_late"
    HEADS_RECORDED_LATE = "heads_recorded_late"
    ACCOUNT_SHARED = "account_shared"
    LEFT_MONITORING_EARLY = "left_monitoring_early"
    OVERDUE_DISBURSEMENT = "overdue_disbursement"


MONITORING_WORDS: Mapping[MonitoringRule, tuple[str, str]] = {
    MonitoringRule.BELOW_THE_LINE: (
        (
            "net income per head, less self-paid expense, lies below the line (rules 1_02_006, 4_11_010),"
            " or does without other income that no second person has checked"
        ),
        "人均纯收入(扣除合规自付支出)低于监测线,或剔除未经第二人核对的其他收入后低于监测线",
    ),
    MonitoringRule.NOTHING_RECORDED: ("no income at all is on record", "监测期内无任何收入记录"),
    MonitoringRule.EXPENSE_JUMPS: ("what the household paid itself has jumped", "合规自付支出骤增"),
    MonitoringRule.OPERATING_INCOME_WITHOUT_EXPENSE: (
        "operating income without operating expense (rule no. 22)",
        "有生产经营性收入而无生产经营性支出",
    ),
    MonitoringRule.HELP_WITHOUT_OPERATING_INCOME: (
        "enrolled with a supplier throughout, without operating income (rule 5_11_013)",
        "有产业帮扶而无生产经营性收入",
    ),
    MonitoringRule.WAGE_IMPLAUSIBLE: (
        "a year's wage below 300 or above 300,000 yuan (rule no. 19)",
        "工资性收入明显异常",
    ),
    MonitoringRule.PAID_ABOVE_ATTRIBUTED: (
        "paid more by suppliers than was attributed to it and than its contributions may yet bring",
        "累计兑付超过累计归集及未释放投入",
    ),
    MonitoringRule.STATUS_LAPSED: (
        "delivered to a lot on a day on which it was not on the register",
        "交货当日不在册",
    ),
    MonitoringRule.ASSISTANCE_LAPSED: (
        "ordinary or off the register, but in a pool for assisted households, or reported as one on such a day",
        "已转为一般户或已退出,仍列在仅限帮扶户的资金池,或当日收入仍计为帮扶收入",
    ),
    MonitoringRule.DELIVERED_BEYOND_LAND: (
        "delivered more of a category in a calendar year than the land on record bears, by the most per mu",
        "一个自然年内某品类交售量超过在册土地按亩产上限的可能产量",
    ),
    MonitoringRule.UNCHECKED_ITEMS: (
        "other income that no second person has checked: above the threshold for too long, or above the line at all",
        "其他收入未经第二人核对:超过限额且逾期,或人均超过监测线",
    ),
    MonitoringRule.STATUS_RECORDED_LATE: (
        "a status recorded long after it began: another than before, or one by which earlier deliveries or pools count",
        "户类型补登过晚:改变了此前类型,或使此前交货计入帮扶、使其自仅限帮扶户的资金池获得分配",
    ),
    MonitoringRule.HEADS_RECORDED_LATE: (
        "another head count recorded, in these months, for a day long before: figures per head of then change",
        "近期补登较早日期的家庭人口数,当期人均收入随之改变",
    ),
    MonitoringRule.ACCOUNT_SHARED: (
        "a person of it has a bank account that a person of another household has as well",
        "户内人员的银行账户与他户人员相同",
    ),
    MonitoringRule.LEFT_MONITORING_EARLY: (
        "left the register while monitored, within six months of being identified (rule 2_11_002)",
        "纳入监测未满六个月即退出登记册",
    ),
    MonitoringRule.OVERDUE_DISBURSEMENT: (
        "a supplier owes it what orders brought for longer than its region allows",
        "供应商应兑付款项已超过当地规定期限",
    ),
}


class ProofRule(StrEnum):
    """What is odd about the proof of a payment."""

    NO_EVIDENCE_FILE = "no_evidence_file"
    CAPTURED_AFTER_PAYMENT = "captured_after_payment"
    CAPTURED_LONG_BEFORE = "captured_long_before"
    LOOKS_LIKE_ANOTHER = "looks_like_another"
    HELD_BY_TWO_ORGANISATIONS = "held_by_two_organisations"


PROOF_WORDS: Mapping[ProofRule, tuple[str, str]] = {
    ProofRule.NO_EVIDENCE_FILE: ("paid without any evidence file", "兑付没有任何凭证文件"),
    ProofRule.CAPTURED_AFTER_PAYMENT: (
        "a file that proves the payment was captured after it",
        "凭证拍摄日期晚于付款日期",
    ),
    ProofRule.CAPTURED_LONG_BEFORE: (
        "a file was captured long before the payment that it proves, or before what it confirms was paid",
        "凭证拍摄日期远早于付款日期,或确认凭证早于付款日期",
    ),
    ProofRule.LOOKS_LIKE_ANOTHER: (
        "a picture looks like one that proves something else",
        "凭证照片与用于另一笔业务的照片高度相似",
    ),
    ProofRule.HELD_BY_TWO_ORGANISATIONS: (
        "two organisations put the same file forward",
        "两个单位提交了同一凭证文件",
    ),
}
"""Hints for who audits, not refusals: an honest file may be odd."""


class RecordRule(StrEnum):
    """What is odd about a lot, a contribution, a plan, a payment, a receipt or sales on record."""

    YIELD_BEYOND_LAND = "yield_beyond_land"
    PRICE_FAR_ABOVE_SALE = "price_far_above_sale"
    PRICE_FAR_BELOW_SALE = "price_far_below_sale"
    WORTH_MORE_THAN_SALE = "worth_more_than_sale"
    HOURS_BEYOND_THE_DAYS = "hours_beyond_the_days"
    VERSION_DATED_BACK = "version_dated_back"
    PAYMENT_DATED_BACK = "payment_dated_back"
    RECEIPT_DATED_BACK = "receipt_dated_back"
    RECEIPT_ON_NO_STATEMENT = "receipt_on_no_statement"
    PRICE_FAR_ABOVE_PEERS = "price_far_above_peers"
    SALES_ABOVE_DECLARED = "sales_above_declared_value"
    CERTIFICATE_LAPSED = "certificate_lapsed"
    PRICE_ABOVE_EVIDENCE = "price_above_evidence"
    LARGE_PRICE_CUT = "large_price_cut"


RECORD_WORDS: Mapping[RecordRule, tuple[str, str]] = {
    RecordRule.YIELD_BEYOND_LAND: (
        "a lot holds more than its land can have borne, by the most that its category says of a mu",
        "批次数量超过其种植面积按品类亩产上限的可能产量",
    ),
    RecordRule.PRICE_FAR_ABOVE_SALE: (
        "produce was bought of a household for more than twice the highest price of the product",
        "向农户收购的价格超过产品最高售价的两倍",
    ),
    RecordRule.PRICE_FAR_BELOW_SALE: (
        "produce was bought of a household for less than a tenth of the product's highest price; returns count it",
        "向农户收购的价格不足产品最高售价的十分之一(按交易量返还时照计)",
    ),
    RecordRule.WORTH_MORE_THAN_SALE: (
        "what households gave to a lot is worth more than the lot brings at the product's highest price",
        "批次各户投入金额合计超过按最高售价可得的销售额",
    ),
    RecordRule.HOURS_BEYOND_THE_DAYS: (
        "a household worked more hours for a lot than its people have in the days in which it can have",
        "农户投入某批次的工时超过其人口在可务工天数内的全部小时",
    ),
    RecordRule.VERSION_DATED_BACK: (
        "a version of a plan or of a share register was approved more than 30 days after the day from which it holds",
        "带农方案或股份名册版本的批准日期晚于其生效日期 30 天以上",
    ),
    RecordRule.PAYMENT_DATED_BACK: (
        "a disbursement was recorded more than 30 days after the day on which it is to have been paid",
        "兑付的登记日期晚于所填付款日期 30 天以上",
    ),
    RecordRule.RECEIPT_DATED_BACK: (
        "a receipt was recorded by hand more than 30 days after the day on which the money is to have come",
        "手工登记到款的日期晚于所填到账日期 30 天以上",
    ),
    RecordRule.RECEIPT_ON_NO_STATEMENT: (
        "a receipt was recorded by hand of which the supplier's own statements of those days tell nothing",
        "手工登记的到款,在该供应商自有账户同期的银行流水中没有记载",
    ),
    RecordRule.PRICE_FAR_ABOVE_PEERS: (
        "a product was ordered for more than three times what other suppliers ask in its category, unit and quarter",
        "产品下单价格超过同季度同类别同单位其他供应商价格中位数的三倍",
    ),
    RecordRule.SALES_ABOVE_DECLARED: (
        "more was sold under a certificate in a year of its validity than the value that was declared for it",
        "认定证书一个有效年度内验收的销售额超过所申报的商品价值量",
    ),
    RecordRule.CERTIFICATE_LAPSED: (
        "a product was ordered under a certificate that was expired, suspended or revoked on the day",
        "下单之日认定证书已过期、暂停或撤销",
    ),
    RecordRule.PRICE_ABOVE_EVIDENCE: (
        "a product was ordered above the lowest price that its certification gave evidence of",
        "成交价格高于认定时举证的最低价格",
    ),
    RecordRule.LARGE_PRICE_CUT: ("price cuts took half of a line or more", "折让累计达到该行应付金额的一半及以上"),
}
"""Hints for who audits, not refusals: a supplier may be late with its papers, or have a very good year."""


class TooMuchToVerifyError(MarketError):
    """A request has seconds, not minutes."""

    status = 409
    en = "This would replay {lines} order lines, {most} at most in a request; run `market verify` instead."
    zh = "本次需复算 {lines} 个订单行,单次请求上限 {most};请改用命令 market verify。"


class TracePeriodError(MarketError):
    """A trace has a beginning, an end after it, and is no longer than a year."""

    en = "A household is traced over 1 to {most} days at a time."
    zh = "农户追溯的期间须为 1 至 {most} 天。"


def check_period(begin: date, end: date) -> None:
    """Raise `TracePeriodError` unless the period, both days included, is one that can be traced at once."""
    if not 0 <= (end - begin).days < MOST_DAYS:
        raise TracePeriodError(most=MOST_DAYS, pointer="/query/to")
