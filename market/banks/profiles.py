"""The columns of the banks' exports, as data, and by what an export is known.

Sources: none of the banks publishes the form of its exports, and they change them. "Seen" below means that the headings
stand so in public programs that read such exports (a program per bank at least); "assumed" that they are what an
export with these columns would plausibly be headed, in the words of the other banks. A heading is compared without
spaces, in half width, and also without the unit or the English that follows it (`借方发生额/元(支取)`,
`交易日期[ Transaction Date ]`).
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from market.banks.cells import heading_of
from market.banks.rules import StatementFileError
from market.tables import Cell
from market.words import listed


class Field(StrEnum):
    """What a column says."""

    DAY = "day"
    OUT = "out"
    IN = "in"
    AMOUNT = "amount"
    SIDE = "side"
    BALANCE = "balance"
    NAME = "name"
    ACCOUNT = "account"
    PAYER_NAME = "payer_name"
    PAYER_ACCOUNT = "payer_account"
    PAYEE_NAME = "payee_name"
    PAYEE_ACCOUNT = "payee_account"
    REFERENCE = "reference"
    PAYMENT_REFERENCE = "payment_reference"
    REMARK = "remark"
    CURRENCY = "currency"
    OWN_ACCOUNT = "own_account"


Headings = Mapping[Field, tuple[str, ...]]
"""By which headings a field is known: the first that stands there counts; of remarks all, joined in this order."""


@dataclass(frozen=True, slots=True)
class Profile:
    """The form of one bank's export.

    The sign of an amount follows from the columns that it has: one for money out and one for money in; or one, and
    beside it the side; or one alone, with a sign. `marks` are the headings by which the bank is known, of each group
    one; `but_for` those that make it another form.
    """

    name: str
    bank: str
    headings: Headings
    marks: tuple[tuple[str, ...], ...] = ()
    but_for: tuple[Field, ...] = ()

    @property
    def needed(self) -> tuple[Field, ...]:
        """Return the columns without which it cannot be read."""
        if Field.OUT in self.headings:
            return Field.DAY, Field.OUT, Field.IN
        return (Field.DAY, Field.AMOUNT, *((Field.SIDE,) if Field.SIDE in self.headings else ()))


_OUT = ("借方发生额", "借方金额", "支出金额", "转出金额", "借方", "支出", "付款金额", "debit", "debitamount")
_IN = ("贷方发生额", "贷方金额", "收入金额", "转入金额", "贷方", "收入", "收款金额", "credit", "creditamount")
_AMOUNT = ("交易金额", "发生额", "交易发生额", "金额", "amount")
_RURAL_SIDE = ("借贷标志", "借贷标识", "借贷方向")
_SIDE = ("借/贷", "借贷", "收支方向", "收支标志", "收/支", "debit/credit")
_DAY = ("记账日期", "入账日期", "交易日期", "交易时间", "交易日", "记账日", "日期", "date", "bookingdate")
_BALANCE = ("余额", "账户余额", "交易后余额", "本次余额", "联机余额", "balance")
_NAME = ("对方户名", "对方名称", "对方单位名称", "对方单位", "对方账户名称", "counterparty", "counterpartyname")
_ACCOUNT = ("对方账号", "对方帐号", "对方账户", "对方卡号", "counterpartyaccount")
_REFERENCE = ("交易流水号", "银行流水号", "核心流水号", "流水号", "日志号", "reference", "bankreference")
_PAYMENT_REFERENCE = ("付款凭证号", "企业流水号", "客户申请号", "业务参考号", "endtoendid")
_REMARK = ("摘要", "交易摘要", "用途", "交易用途", "附言", "交易附言", "备注", "remark", "purpose")
_CURRENCY = ("币种", "币别", "交易货币", "currency")
_OWN_ACCOUNT = ("本方账号", "账号", "帐号", "查询账号", "account")

_COMMON: Headings = {
    Field.DAY: _DAY,
    Field.BALANCE: _BALANCE,
    Field.NAME: _NAME,
    Field.ACCOUNT: _ACCOUNT,
    Field.REFERENCE: _REFERENCE,
    Field.PAYMENT_REFERENCE: _PAYMENT_REFERENCE,
    Field.REMARK: _REMARK,
    Field.CURRENCY: _CURRENCY,
    Field.OWN_ACCOUNT: _OWN_ACCOUNT,
}
_TWO_COLUMNS: Headings = {**_COMMON, Field.OUT: _OUT, Field.IN: _IN}
_WITH_SIDE: Headings = {**_COMMON, Field.AMOUNT: _AMOUNT, Field.SIDE: _SIDE}

PROFILES: Mapping[str, Profile] = {
    profile.name: profile
    for profile in (
        # Seen: 凭证号, 对方单位, 转入金额, 转出金额. Assumed: the older 对方单位名称 beside 借方/贷方发生额.
        # Its 凭证号 is no reference of the line: it is often 0, and one voucher may have several lines.
        Profile("icbc", "中国工商银行", _TWO_COLUMNS, marks=(("对方单位名称", "对方单位"), ("凭证号",))),
        # Seen: 收入金额, 支出金额, 账户余额, 对方账号, 对方户名. Assumed: 交易用途, 日志号, 交易行名 as marks.
        Profile(
            "abc",
            "中国农业银行",
            _TWO_COLUMNS,
            marks=(("收入金额",), ("支出金额",), ("交易用途", "日志号", "交易行名")),
        ),
        # Seen, all of them: a signed amount, and payer and payee in columns of their own.
        Profile(
            "boc",
            "中国银行",
            {
                Field.DAY: ("交易日期",),
                Field.AMOUNT: ("交易金额",),
                Field.BALANCE: ("交易后余额",),
                Field.PAYER_NAME: ("付款人名称",),
                Field.PAYER_ACCOUNT: ("付款人账号",),
                Field.PAYEE_NAME: ("收款人名称",),
                Field.PAYEE_ACCOUNT: ("收款人账号",),
                Field.REFERENCE: ("交易流水号",),
                Field.PAYMENT_REFERENCE: ("客户申请号",),
                Field.REMARK: ("摘要", "用途", "交易附言"),
                Field.CURRENCY: ("交易货币",),
            },
            marks=(("付款人名称",), ("收款人名称",)),
        ),
        # Seen, all of them; the account stands in each row.
        Profile(
            "ccb",
            "中国建设银行",
            {**_TWO_COLUMNS, Field.REFERENCE: ("账户明细编号-交易流水号",)},
            marks=(("账户明细编号-交易流水号",),),
        ),
        # Seen: 借贷标志 beside one amount, in exports of several 农商行 and 农村信用社. Assumed: that most are so.
        Profile("rural", "农村信用社、农商行", {**_WITH_SIDE, Field.SIDE: _RURAL_SIDE}, marks=(_RURAL_SIDE,)),
        # Assumed, but for the two columns of amounts.
        Profile("psbc", "中国邮政储蓄银行", _TWO_COLUMNS, marks=(("交易机构", "交易机构名称", "交易机构号"),)),
        # Seen: 借方(出账), 贷方(入账), 收(付)方名称, 收(付)方账号, 交易流水号, 扩展摘要.
        Profile(
            "cmb",
            "招商银行",
            {
                **_TWO_COLUMNS,
                Field.NAME: ("收(付)方名称",),
                Field.ACCOUNT: ("收(付)方账号", "收(付)方帐号"),
                Field.REMARK: ("摘要", "扩展摘要", "其他摘要", "业务摘要", "用途"),
            },
            marks=(("收(付)方名称",),),
        ),
        Profile("generic", "", _TWO_COLUMNS),
        Profile("generic_side", "", _WITH_SIDE, but_for=(Field.OUT, Field.IN)),
        Profile(
            "generic_signed",
            "",
            {**_COMMON, Field.AMOUNT: _AMOUNT},
            but_for=(Field.OUT, Field.IN, Field.SIDE),
        ),
    )
}
"""The forms that are known, by name: the banks', and three for any bank that heads its columns in the usual words."""

_ANY: Headings = {**_TWO_COLUMNS, Field.SIDE: (*_RURAL_SIDE, *_SIDE)}
_UNIT = re.compile(r"(?:/元|[(\[][^()\[\]]*[)\]])+$")
Places = Mapping[Field, tuple[int, ...]]
"""In which columns each field stands."""


def chosen(name: str) -> Profile:
    """Return the profile of this name; raises `StatementFileError` where there is none."""
    if name not in PROFILES:
        reason, reason_zh = (listed(PROFILES, language) for language in ("en", "zh"))
        raise StatementFileError(reason=f"the known forms are {reason}", reason_zh=f"可选格式为 {reason_zh}")
    return PROFILES[name]


def recognised(cells: Sequence[Cell]) -> Profile | None:
    """Return the profile that a row heads, or None; raises `StatementFileError` where several banks' do."""
    known = _headings(cells)
    fitting = [profile for profile in PROFILES.values() if _fits(profile, known)]
    banks = [profile for profile in fitting if profile.marks]
    if len(banks) > 1:
        reason, reason_zh = (listed((profile.name for profile in banks), language) for language in ("en", "zh"))
        raise StatementFileError(
            reason=f"its headings are those of several banks; say which: {reason}",
            reason_zh=f"表头与多家银行格式相符,请指定:{reason_zh}",
        )
    return next(iter(banks or fitting), None)


def places_of(profile: Profile, cells: Sequence[Cell]) -> Places | None:
    """Return where the fields of a profile stand, if the row heads all that it needs.

    Raises `StatementFileError` for a heading that stands twice: which of them counts would be a guess.
    """
    known = _headings(cells)
    if missing(profile, cells):
        return None
    places: dict[Field, tuple[int, ...]] = {}
    for field, headings in profile.headings.items():
        found = [known[heading] for heading in headings if heading in known]
        if found:
            places[field] = tuple(place for several in found for place in several[:1])
        if any(len(several) > 1 for several in found):
            names = "、".join(heading for heading in headings if len(known.get(heading, ())) > 1)
            raise StatementFileError(reason=f"the heading {names} stands twice", reason_zh=f"表头「{names}」重复")
    return {field: several if field is Field.REMARK else several[:1] for field, several in places.items()}


def missing(profile: Profile, cells: Sequence[Cell]) -> list[str]:
    """Return the headings of a profile that a row lacks, one for each field that is needed."""
    known = _headings(cells)
    return [
        profile.headings[field][0]
        for field in profile.needed
        if not any(heading in known for heading in profile.headings[field])
    ]


def _fits(profile: Profile, known: Mapping[str, Sequence[int]]) -> bool:
    return (
        all(any(heading in known for heading in profile.headings[field]) for field in profile.needed)
        and all(any(mark in known for mark in group) for group in profile.marks)
        and not any(heading in known for field in profile.but_for for heading in _ANY[field])
        # Without a balance nothing shows whether amounts without a sign all came in: then it must be chosen by name.
        and (len(profile.needed) > 2 or bool(profile.marks) or any(heading in known for heading in _BALANCE))
    )


def _headings(cells: Sequence[Cell]) -> dict[str, list[int]]:
    """Return in which columns each heading stands, as it is and without what follows it."""
    known: dict[str, list[int]] = {}
    for place, cell in enumerate(cells):
        heading = heading_of(cell)
        for form in {heading, _UNIT.sub("", heading)} - {""}:
            known.setdefault(form, []).append(place)
    return known
