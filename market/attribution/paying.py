"""How money is handed over, and what a list of payments goes through; the refusals of paying out. Pure."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from enum import StrEnum
from typing import NamedTuple

from typing_extensions import override

from market.benefits.rules import MECHANISMS, Mechanism, Payee
from market.errors import MarketError
from market.identifiers import is_einvoice_number


class Method(StrEnum):
    """How a disbursement was made.

    A purchase invoice (type 16) is issued to a farmer for produce; its number is the payment's reference.
    """

    BANK_TRANSFER = "bank_transfer"
    CASH = "cash"
    PURCHASE_INVOICE = "purchase_invoice"


class ListStatus(StrEnum):
    """What a list of payments to be made has come to."""

    OPEN = "open"
    SETTLED = "settled"
    WITHDRAWN = "withdrawn"


class ListEvent(StrEnum):
    """What can happen to a list."""

    ANSWER = "answer"
    COUNTERSIGN = "countersign"
    WITHDRAW = "withdraw"


LIST_TRANSITIONS: Mapping[tuple[ListStatus, ListEvent], ListStatus] = {
    (ListStatus.OPEN, ListEvent.ANSWER): ListStatus.SETTLED,
    (ListStatus.SETTLED, ListEvent.ANSWER): ListStatus.SETTLED,
    (ListStatus.OPEN, ListEvent.COUNTERSIGN): ListStatus.SETTLED,
    (ListStatus.OPEN, ListEvent.WITHDRAW): ListStatus.WITHDRAWN,
}
"""The bank's answer settles a list once no line is left without one; told again, it changes nothing."""


class LineStatus(StrEnum):
    """What became of one payment of a list; a reference that failed is spent, what it was for stays owed."""

    OPEN = "open"
    PAID = "paid"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"


class FailureReason(StrEnum):
    """Why a bank could not pay: its own words may name the account holder, so that they are not kept."""

    NAME_MISMATCH = "name_mismatch"
    NO_SUCH_ACCOUNT = "no_such_account"
    ACCOUNT_CLOSED = "account_closed"
    ACCOUNT_BLOCKED = "account_blocked"
    WRONG_BANK = "wrong_bank"
    OVER_LIMIT = "over_limit"
    PAYER_SHORT = "payer_short"
    OTHER = "other"


PRODUCE = frozenset({Mechanism.ORDER_PURCHASE, Mechanism.CONSIGNMENT, Mechanism.CONTRACTING})
"""What a household is paid for produce of its own: bought of it, sold for it, or grown under contract. Patronage is a
share of the surplus by what was traded, not a price; wages, rent, custody and dividends are no produce at all."""


def check_purchase_invoice(payee: Payee, mechanisms: Collection[str | None], *, pointer: str) -> None:
    """Raise `InvoiceNotForProduceError` unless a payment by purchase invoice can be for a household's own produce.

    `mechanisms` are those for which it is known to pay; what it pays ahead for nothing named (None) is left.
    """
    other = sorted(each for each in mechanisms if each is not None and each not in PRODUCE)
    if payee is not Payee.HOUSEHOLD:
        raise InvoiceNotForProduceError(reason="it pays a collective", reason_zh="收款方为村集体", pointer=pointer)
    if other:
        names = "、".join(MECHANISMS[Mechanism(each)].name for each in other)
        reason = f"it pays {', '.join(other)}"
        raise InvoiceNotForProduceError(reason=reason, reason_zh=f"所付款项含{names}", pointer=pointer)


def invoice_number(method: Method, reference: str, number: str | None, *, by: date, pointer: str) -> str | None:
    """Return the number of the purchase invoice behind a payment, if there is one; issued by the day of the payment.

    Of a payment by purchase invoice it is the reference. Raises `EinvoiceNumberError` for what is no such number.
    """
    at = "invoice_number"
    if method is Method.PURCHASE_INVOICE:
        if number not in (None, reference):
            raise EinvoiceNumberError(number=number, pointer=f"{pointer}/{at}")
        number, at = reference, "reference"
    if number is not None and not is_einvoice_number(number, by=by):
        raise EinvoiceNumberError(number=number, pointer=f"{pointer}/{at}")
    return number


class Fault(NamedTuple):
    """One fault of a file: the row as a spreadsheet numbers it, the column, and the sentence in both languages."""

    row: int
    column: str
    en: str
    zh: str


class BankFileError(MarketError):
    """The file as a whole is none."""

    en = "This is no result file of a bank: {reason}."
    zh = "这不是银行回盘文件:{reason_zh}。"


class BankResultError(MarketError):
    """A file is taken whole or not at all; every fault names its row and column."""

    en = "The bank's result cannot be taken over: {count} faults; nothing was recorded."
    zh = "银行回盘文件有 {count} 处错误,未登记任何内容。"

    def __init__(self, faults: Sequence[Fault]) -> None:
        """Keep the faults."""
        self._faults = faults
        super().__init__(count=len(faults))

    @override
    def faults(self, language: str) -> list[tuple[str, str]]:
        """Return each fault under the pointer `/rows/{row}/{column}`."""
        return [
            (f"/rows/{fault.row}/{fault.column}", fault.zh if language == "zh" else fault.en) for fault in self._faults
        ]


class EinvoiceNumberError(MarketError):
    """An e-invoice's number begins with its year and province; by purchase invoice it is the reference (domain.md §9).

    Of the number nothing but this form can be checked: whether it was issued is known to the tax bureau alone.
    """

    en = (
        "{number} is not the number of this e-invoice: 20 digits, first the year, not after the payment's, and the"
        " province's code; and the same as the reference."
    )
    zh = "{number} 不是有效的数电发票号码:须为 20 位数字,前两位为不晚于付款的年份,后接省级代码,且与付款凭证号一致。"


class InvoiceNotForProduceError(MarketError):
    """A purchase invoice (type 16) is issued to a farmer for self-grown produce, and stands behind no other money."""

    en = "A purchase invoice (type 16) is for a household's own produce: {reason}."
    zh = "农产品收购发票(类型 16)只用于向农户收购自产农产品:{reason_zh}。"


class EinvoiceTakenError(MarketError):
    """One purchase invoice stands behind one payment of the whole market."""

    status = 409
    en = "The e-invoice {number} already stands behind a payment."
    zh = "数电发票 {number} 已用于其他兑付。"


class CashNeedsWitnessError(MarketError):
    """Cash counts when a second person has put a name to it."""

    en = "Cash is recorded as a list that a second person countersigns; it cannot be recorded by one alone."
    zh = "现金兑付须先登记清单并由第二人会签,不能由一人直接登记。"


class EvidenceUsedError(MarketError):
    """One file proves one thing."""

    status = 409
    en = "This evidence was already used{where}."
    zh = "该凭证文件已被使用{where}。"


class EvidenceTypeError(MarketError):
    """By its first bytes, whatever it is called."""

    status = 415
    en = "Evidence is a JPEG or PNG picture or a PDF; these bytes are none."
    zh = "凭证须为 JPEG、PNG 图片或 PDF 文件,所传内容均不是。"


class UnreadablePictureError(MarketError):
    """A picture that nobody can look at proves nothing."""

    en = "The picture cannot be read: it is broken, or has more than {most} pixels."
    zh = "图片无法读取:文件损坏,或超过 {most} 像素。"


class UnreadablePdfError(MarketError):
    """A PDF that nobody can open proves nothing."""

    en = "The PDF cannot be read: {reason}."
    zh = "PDF 无法读取:{reason_zh}。"


class ConfirmationCodeError(MarketError):
    """One answer for a wrong code, an unknown payment, a code used, replaced or tried too often."""

    en = "This code does not confirm this payment. After {most} wrong attempts a code is void; ask for another."
    zh = "该确认码无法确认这笔兑付。连续输错 {most} 次后确认码作废,请重新索取。"


class TooManyTrialsError(MarketError):
    """Codes are tried too often, from one address or in all."""

    status = 429
    en = "Too many codes were tried; try again in {seconds} seconds."
    zh = "确认码尝试过于频繁,请在 {seconds} 秒后重试。"

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        """Return when to come back (RFC 9110)."""
        return {"Retry-After": str(self.facts["seconds"])}


class PaymentReversedError(MarketError):
    """A payment is reversed once, and is nobody's then."""

    status = 409
    en = "This payment was reversed."
    zh = "该笔兑付已冲销。"


class PaymentGivenOnError(MarketError):
    """What a collective has given on to households is theirs."""

    status = 409
    en = "The collective has given on some of this payment to households; it cannot be reversed."
    zh = "村集体已将该笔款项二次分配给农户,不能冲销。"


class PaidBeyondDeliveryError(MarketError):
    """Paid ahead is for what was delivered and is not sold or paid for yet; more is no income from orders."""

    en = (
        "This payee can be paid {most} yuan at most: what is owed, and what it had delivered by then that is not sold"
        " or paid for yet."
    )
    zh = "该收款方最多可兑付 {most} 元:即应付未付部分,加上付款日前已交付但尚未售出或付款的部分。"


class PayeeWithoutTieError(MarketError):
    """A payment goes to a household enrolled with the supplier, or to a collective of one of its plans."""

    en = "This payee{payee} has no tie with this supplier."
    zh = "该收款方{payee}与该供应商没有联结关系。"


class ForeignContributionError(MarketError):
    """A payment for a contribution goes to the household that made it."""

    en = "The contribution is not this household's."
    zh = "该投入不属于此农户。"


class PaymentReferenceTakenError(MarketError):
    """One bank line pays once."""

    status = 409
    en = "The payment reference {reference} was already used."
    zh = "付款凭证号 {reference} 已被使用。"


class AlreadyConfirmedError(MarketError):
    """A payment is confirmed once."""

    status = 409
    en = "This payment was already confirmed."
    zh = "该笔兑付已确认。"
