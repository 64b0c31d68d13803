"""Steps of a certification, units, working days, alerts, and refusals (domain.md §4)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from market.errors import MarketError, follow
from market.identity.rules import Role
from market.quantities import BASE_OF, MILLI_OF, QuantityError, Unit, parse

ALERT_DAYS = (90, 30, 7)
"""A lapsing certificate is announced this many days before it ends."""

LAPSED = 0
"""The alert of a certificate that has ended."""

COUNTY_DIGITS, TOWNSHIP_DIGITS = 6, 9
"""Digits of a GB/T 2260 code down to the county and to the township."""


@dataclass(frozen=True, slots=True)
class Terms:
    """How many working days a public notice lasts, and how many days a certificate is valid."""

    notice_working_days: int
    validity_days: int


DEFAULT_TERMS = Terms(notice_working_days=5, validity_days=365)
"""Where no policy is on record: domain.md §4, default 5 working days of notice and 1 year of validity."""


class EvidenceKind(StrEnum):
    """What shows the price of the same specification, variety and quality elsewhere."""

    LINK = "link"
    STAMPED_DOCUMENT = "stamped_document"


class ReviewStep(StrEnum):
    """The three decisions on an application, in this order."""

    TOWNSHIP = "township"
    TRADE = "trade"
    COUNTY = "county"


class Decision(StrEnum):
    """What a reviewer decides."""

    PASS = "pass"  # noqa: S105 - no password
    REJECT = "reject"


class ApplicationStatus(StrEnum):
    """The life of an application."""

    SUBMITTED = "submitted"
    TOWNSHIP_PASSED = "township_passed"
    TRADE_PASSED = "trade_passed"
    ON_NOTICE = "on_notice"
    CLEARED = "cleared"
    LISTED = "listed"
    REJECTED = "rejected"


class ApplicationEvent(StrEnum):
    """What happens to an application."""

    RECORD_EVIDENCE = "record_evidence"
    PASS_TOWNSHIP = "pass_township"  # noqa: S105 - no password
    PASS_TRADE = "pass_trade"  # noqa: S105 - no password
    PASS_COUNTY = "pass_county"  # noqa: S105 - no password
    REJECT = "reject"
    OBJECT = "object"
    UPHOLD_OBJECTION = "uphold_objection"
    DISMISS_OBJECTION = "dismiss_objection"
    END_NOTICE = "end_notice"
    LIST = "list"


_S, _E = ApplicationStatus, ApplicationEvent

# Every objection gets its answer, so a rejected application still takes the settlement of those left open.
TRANSITIONS: Mapping[tuple[ApplicationStatus, ApplicationEvent], ApplicationStatus] = {
    (_S.SUBMITTED, _E.RECORD_EVIDENCE): _S.SUBMITTED,
    (_S.SUBMITTED, _E.PASS_TOWNSHIP): _S.TOWNSHIP_PASSED,
    (_S.SUBMITTED, _E.REJECT): _S.REJECTED,
    (_S.TOWNSHIP_PASSED, _E.RECORD_EVIDENCE): _S.TOWNSHIP_PASSED,
    (_S.TOWNSHIP_PASSED, _E.PASS_TRADE): _S.TRADE_PASSED,
    (_S.TOWNSHIP_PASSED, _E.REJECT): _S.REJECTED,
    (_S.TRADE_PASSED, _E.RECORD_EVIDENCE): _S.TRADE_PASSED,
    (_S.TRADE_PASSED, _E.PASS_COUNTY): _S.ON_NOTICE,
    (_S.TRADE_PASSED, _E.REJECT): _S.REJECTED,
    (_S.ON_NOTICE, _E.OBJECT): _S.ON_NOTICE,
    (_S.ON_NOTICE, _E.UPHOLD_OBJECTION): _S.REJECTED,
    (_S.ON_NOTICE, _E.DISMISS_OBJECTION): _S.ON_NOTICE,
    (_S.ON_NOTICE, _E.END_NOTICE): _S.CLEARED,
    (_S.REJECTED, _E.UPHOLD_OBJECTION): _S.REJECTED,
    (_S.REJECTED, _E.DISMISS_OBJECTION): _S.REJECTED,
    (_S.CLEARED, _E.LIST): _S.LISTED,
}

STEP_OF: Mapping[Role, ReviewStep] = {
    Role.TOWNSHIP_REVIEWER: ReviewStep.TOWNSHIP,
    Role.TRADE_REVIEWER: ReviewStep.TRADE,
    Role.COUNTY_REVIEWER: ReviewStep.COUNTY,
}

_PASS_OF: Mapping[ReviewStep, ApplicationEvent] = {
    ReviewStep.TOWNSHIP: _E.PASS_TOWNSHIP,
    ReviewStep.TRADE: _E.PASS_TRADE,
    ReviewStep.COUNTY: _E.PASS_COUNTY,
}


def status_after(status: ApplicationStatus, event: ApplicationEvent) -> ApplicationStatus:
    """Return the status that an event leads to; raises `TransitionError` where the table has no such step."""
    return follow(TRANSITIONS, status, event, machine="application")


def status_after_review(status: ApplicationStatus, step: ReviewStep, decision: Decision) -> ApplicationStatus:
    """Return the status after a reviewer's decision; a step out of order is refused, whatever it decides."""
    passed = status_after(status, _PASS_OF[step])
    return passed if decision is Decision.PASS else status_after(status, ApplicationEvent.REJECT)


class CertificateStatus(StrEnum):
    """The life of a certificate; that it has expired follows from its dates."""

    VALID = "valid"
    SUSPENDED = "suspended"
    REVOKED = "revoked"


class CertificateEvent(StrEnum):
    """What happens to a certificate."""

    SUSPEND = "suspend"
    REINSTATE = "reinstate"
    REVOKE = "revoke"


CERTIFICATE_TRANSITIONS: Mapping[tuple[CertificateStatus, CertificateEvent], CertificateStatus] = {
    (CertificateStatus.VALID, CertificateEvent.SUSPEND): CertificateStatus.SUSPENDED,
    (CertificateStatus.SUSPENDED, CertificateEvent.REINSTATE): CertificateStatus.VALID,
    (CertificateStatus.VALID, CertificateEvent.REVOKE): CertificateStatus.REVOKED,
    (CertificateStatus.SUSPENDED, CertificateEvent.REVOKE): CertificateStatus.REVOKED,
}


def certificate_after(status: CertificateStatus, event: CertificateEvent) -> CertificateStatus:
    """Return the status that an event leads to; raises `TransitionError` where the table has no such step."""
    return follow(CERTIFICATE_TRANSITIONS, status, event, machine="certificate")


def check_usable(*, number: str, status: CertificateStatus, valid_from: date, valid_to: date, on: date) -> None:
    """Let a certificate be sold under on a day; both days of its validity are included.

    Raises `CertificateSuspendedError` (also when revoked) or `CertificateExpiredError`.
    """
    if status is not CertificateStatus.VALID:
        raise CertificateSuspendedError(number=number, certificate_status=status)
    if not valid_from <= on <= valid_to:
        raise CertificateExpiredError(number=number, on=on, valid_from=valid_from, valid_to=valid_to)


def certificate_number(county_code: str, published_on: date, batch: int, position: int) -> str:
    """Return the number that a certificate bears: county, year, batch of the county, place in the batch."""
    return f"JC-{county_code}-{published_on.year}-{batch:02d}-{position:04d}"


def working_days_after(day: date, count: int) -> date:
    """Return the last of `count` working days (Monday to Friday) that follow `day`."""
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5
    return day


def last_valid_day(first: date, days: int) -> date:
    """Return the last of `days` days of validity, of which `first` is the first."""
    return first + timedelta(days=days - 1)


def unit_measure(unit: Unit, content: tuple[str, Unit] | None) -> tuple[int, Unit]:
    """Return the milli-units in one unit of sale, and the base unit that they are of.

    A fixed unit says it itself. A box says it by its content: a decimal string and the fixed unit of it, as
    `("2.5", Unit.KG)`. Raises `UnitContentError` when the content is missing, needless, nothing, or not exact.
    """
    if unit in MILLI_OF:
        if content is not None:
            raise UnitContentError(reason=f"{unit} has a fixed content", reason_zh=f"{unit} 为固定单位,不得另填含量")
        return MILLI_OF[unit], BASE_OF[unit]
    if content is None or content[1] not in MILLI_OF:
        raise UnitContentError(reason="a box says what it holds, in a fixed unit", reason_zh="箱须以固定单位注明含量")
    try:
        milli = parse(content[0], MILLI_OF[content[1]])
    except QuantityError:
        milli = 0
    if milli == 0:
        raise UnitContentError(
            reason="the content is no exact quantity above zero", reason_zh="含量须为大于零的精确数量"
        )
    return milli, BASE_OF[content[1]]


def check_price(price_fen: int, evidenced_fen: int | None, unit: str) -> int:
    """Return the ceiling, the lowest evidenced price per unit, that a price was found not to exceed.

    Raises `MissingEvidenceError` or `PriceAboveEvidenceError`.
    """
    if evidenced_fen is None:
        raise MissingEvidenceError
    if price_fen > evidenced_fen:
        raise PriceAboveEvidenceError(ceiling_fen=evidenced_fen, unit=unit)
    return evidenced_fen


def check_origin(origin_code: str, supplier_region_code: str) -> None:
    """Raise `OriginError` unless the origin is a township or village of the county the supplier is registered in."""
    county = supplier_region_code[:COUNTY_DIGITS]
    in_county = len(county) == COUNTY_DIGITS and origin_code.startswith(county)
    if not in_county or len(origin_code) < TOWNSHIP_DIGITS:
        raise OriginError(county=county, pointer="/origin_code")


class CertificateExpiredError(MarketError):
    """Out of its validity."""

    status = 409
    en = "The certificate {number} is not valid on {on}; it runs from {valid_from} to {valid_to}."
    zh = "证书 {number} 在 {on} 不在有效期内({valid_from} 至 {valid_to})。"


class CertificateSuspendedError(MarketError):
    """Suspended or revoked."""

    status = 409
    en = "The certificate {number} is {certificate_status}."
    zh = "证书 {number} 当前不可用({certificate_status})。"


class PriceAboveEvidenceError(MarketError):
    """The price test (domain.md §4)."""

    en = "The price is above the evidenced price of the same specification ({ceiling_fen} yuan per {unit})."
    zh = "价格高于同规格同品质的举证价格(每 {unit} {ceiling_fen} 元)。"


class MissingEvidenceError(MarketError):
    """The price test needs something to test against."""

    status = 409
    en = "No price evidence is recorded for this application."
    zh = "该申请尚无价格举证。"


class OpenObjectionError(MarketError):
    """An objection must be settled before a listing."""

    status = 409
    en = "An objection raised during the public notice is still open."
    zh = "公示期间的异议尚未处理。"


class NoticeOverError(MarketError):
    """Objections are heard while the notice is public."""

    status = 409
    en = "The public notice ended on {ended_on}."
    zh = "公示期已于 {ended_on} 结束。"


class NoBenefitError(MarketError):
    """The third test of certification: a real benefit mechanism."""

    en = "The supplier has no approved benefit plan with households enrolled."
    zh = "供应商没有已批准并联结农户的带农方案。"


class NotProducerError(MarketError):
    """A trading agent sells under a producer's mandate, and under the producer's certificate."""

    status = 403
    en = "A trading agent cannot have a product certified; its producer applies."
    zh = "代理商不得申请产品认定,须由生产主体申请。"


class OriginError(MarketError):
    """A producer is registered, and produces, in one county."""

    en = "The origin must be a township or village of the county {county}, where the supplier is registered."
    zh = "产地须为供应商注册县({county})内的乡镇或村。"


class UnitContentError(MarketError):
    """What one unit of sale holds must be known exactly."""

    en = "The unit of sale is not sound: {reason}."
    zh = "销售单位不成立:{reason_zh}。"


class MixedCountiesError(MarketError):
    """A batch is one county's."""

    en = "The applications belong to several counties; publish a batch for each."
    zh = "所选申请分属不同县,请分县发布批次。"
