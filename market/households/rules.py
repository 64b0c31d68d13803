"""Household statuses and who counts as assisted; which personal data a role may see, masked or in clear, and why."""

import calendar
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from typing_extensions import override

from market.errors import ForbiddenError, MarketError
from market.identifiers import holds_mobile_in_code, holds_personal_number, holds_resident_id, is_personal_code
from market.identity.rules import Role


class HouseholdStatus(StrEnum):
    """The status of a household on a day (domain.md §5)."""

    REGISTERED_POOR = "registered_poor"
    UNSTABLE = "unstable"
    MARGINAL = "marginal"
    SUDDEN_HARDSHIP = "sudden_hardship"
    ORDINARY = "ordinary"


ASSISTED = frozenset(HouseholdStatus) - {HouseholdStatus.ORDINARY}
"""Registered or monitored: income of these on the date of delivery counts as assistance income."""


MONITORED = frozenset({HouseholdStatus.UNSTABLE, HouseholdStatus.MARGINAL, HouseholdStatus.SUDDEN_HARDSHIP})
"""Watched so that no household falls back into poverty (防止返贫监测); each is a category of its own."""


class DepartureReason(StrEnum):
    """Why a household leaves the register."""

    MOVED_AWAY = "moved_away"
    DIED = "died"
    MERGED = "merged"
    MISTAKEN = "mistaken"


MAX_HEADS = 30


@dataclass(frozen=True, slots=True)
class Eligibility:
    """How a household stands on a day; off the register it has no status and counts for nothing."""

    household_id: UUID
    village_code: str
    status: HouseholdStatus | None
    on_register: bool

    @property
    def assisted(self) -> bool:
        """Tell whether income of that day counts as assistance income."""
        return self.status in ASSISTED


def months_after(day: date, months: int) -> date:
    """Return the day so many months later, or the last of that month if it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def check_head_count(head_count: int) -> None:
    """Raise `HeadCountError` outside 1 to 30 heads."""
    if not 1 <= head_count <= MAX_HEADS:
        raise HeadCountError(max=MAX_HEADS, pointer="/head_count")


def check_present(departed_on: date | None) -> None:
    """Raise `HouseholdDepartedError` once the household has left: what it was stays as it is."""
    if departed_on is not None:
        raise HouseholdDepartedError(departed_on=departed_on)


def check_status_order(valid_from: date, *, latest_from: date) -> None:
    """Raise `StatusOrderError` unless a status begins after the latest one; the first begins with registration."""
    if valid_from <= latest_from:
        raise StatusOrderError(latest=latest_from, pointer="/valid_from")


def check_departure(departed_on: date, *, latest_from: date) -> None:
    """Raise `StatusOrderError` unless the household leaves after its latest status began."""
    if departed_on <= latest_from:
        raise StatusOrderError(latest=latest_from, pointer="/departed_on")


class PersonalField(StrEnum):
    """What the register knows of a person; each value is sealed."""

    NAME = "name"
    RESIDENT_ID = "resident_id"
    RELATION = "relation"
    PHONE = "phone"
    BANK_NAME = "bank_name"
    BANK_ACCOUNT = "bank_account"
    HEALTH = "health"


_F = PersonalField
INDEXED = (_F.RESIDENT_ID, _F.PHONE, _F.BANK_ACCOUNT)
"""Fields with a blind index: those with so many possible values that equality alone tells little."""
SHOWN: Mapping[Role, frozenset[PersonalField]] = {
    Role.SUPPLIER_CLERK: frozenset({_F.NAME, _F.BANK_ACCOUNT}),
    Role.SUPPLIER_MANAGER: frozenset({_F.NAME, _F.PHONE, _F.BANK_ACCOUNT}),
    Role.VILLAGE_CLERK: frozenset(_F),
    Role.COUNTY_REVIEWER: frozenset(_F),
    Role.AUDITOR: frozenset(_F) - {_F.HEALTH},
}
"""What a role sees of a person, masked; of the rest it does not even learn whether it is recorded."""


class FileKind(StrEnum):
    """What a file is."""

    CSV = "csv"
    XLSX = "xlsx"


class Column(StrEnum):
    """What is said of a household in each row of it; the land that it farms need not be."""

    HOUSEHOLD_CODE = "household_code"
    VILLAGE_CODE = "village_code"
    STATUS = "status"
    HEAD_COUNT = "head_count"
    REGISTERED_ON = "registered_on"
    LAND_MU = "land_mu"


class Purpose(StrEnum):
    """Why personal data are read in clear."""

    PAYMENT = "payment"
    IDENTITY_CHECK = "identity_check"
    ASSISTANCE = "assistance"
    SUBJECT_REQUEST = "subject_request"
    AUDIT = "audit"


_FOR_PAYMENT = frozenset({_F.NAME, _F.BANK_NAME, _F.BANK_ACCOUNT})
_FOR_IDENTITY = frozenset({_F.NAME, _F.RESIDENT_ID, _F.RELATION, _F.PHONE})
_FOR_ASSISTANCE = frozenset({_F.NAME, _F.RELATION, _F.PHONE, _F.HEALTH})
_OF_THE_REGISTER = {
    Purpose.IDENTITY_CHECK: _FOR_IDENTITY,
    Purpose.ASSISTANCE: _FOR_ASSISTANCE,
    Purpose.SUBJECT_REQUEST: frozenset(_F),
}
REVEALS: Mapping[Role, Mapping[Purpose, frozenset[PersonalField]]] = {
    Role.SUPPLIER_MANAGER: {Purpose.PAYMENT: _FOR_PAYMENT},
    Role.VILLAGE_CLERK: _OF_THE_REGISTER,
    Role.COUNTY_REVIEWER: {**_OF_THE_REGISTER, Purpose.PAYMENT: _FOR_PAYMENT | {_F.RESIDENT_ID, _F.PHONE}},
    Role.AUDITOR: {Purpose.AUDIT: _FOR_PAYMENT | _FOR_IDENTITY},
}
"""For which purposes a role may read which fields in clear: no more than the purpose needs."""
MAX_REVEALED_AT_ONCE = 20
REVEALED_PER_HOUR = 100
"""Households whose people one member may read in clear, or look up, within an hour."""


class AccessKind(StrEnum):
    """How personal data were read."""

    REVEAL = "reveal"
    SEARCH = "search"
    COMPARISON = "comparison"


class ConsentPurpose(StrEnum):
    """What a household consents to."""

    PAYMENT_DETAILS = "payment_details"
    PUBLIC_DISCLOSURE = "public_disclosure"


NEEDS_CONSENT: Mapping[tuple[Role, Purpose], ConsentPurpose] = {
    (Role.SUPPLIER_MANAGER, Purpose.PAYMENT): ConsentPurpose.PAYMENT_DETAILS
}
"""A cooperative gets bank details by the household's consent; an authority acts by law."""


class Deed(StrEnum):
    """What a village clerk does in a household's place: says for it, or enters what it declares.

    To sign for cash that is handed over is none: that is the second person's part, who may confirm nothing for the
    household afterwards. Nor is to read what is known of it: that is on record apart (`AccessKind`).
    """

    CONSENT_GIVEN = "consent_given"
    CONSENT_WITHDRAWN = "consent_withdrawn"
    CODE_PRINTED = "confirmation_code_printed"
    PAYMENT_CONFIRMED = "payment_confirmed"
    ERASURE_REQUESTED = "erasure_requested"
    ENROLMENT_CONFIRMED = "enrolment_confirmed"
    SECOND_CONFIRMED = "second_distribution_confirmed"
    ITEM_RECORDED = "account_item_recorded"
    ITEM_REVERSED = "account_item_reversed"
    BASELINE_STATED = "baseline_stated"


KEPT_FROM_SUPPLIERS = frozenset(
    {Deed.ENROLMENT_CONFIRMED, Deed.SECOND_CONFIRMED, Deed.ITEM_RECORDED, Deed.ITEM_REVERSED, Deed.BASELINE_STATED}
)
"""Of a household enrolled with it a supplier learns nothing of the household's own account, nor of what it has with
others; but of its enrolment with itself."""


class ErasureStatus(StrEnum):
    """How far an erasure is."""

    REQUESTED = "requested"
    CARRIED_OUT = "carried_out"
    REJECTED = "rejected"


class ErasureEvent(StrEnum):
    """What is decided of an erasure."""

    CARRY_OUT = "carry_out"
    REJECT = "reject"


ERASURE_TRANSITIONS: Mapping[tuple[ErasureStatus, ErasureEvent], ErasureStatus] = {
    (ErasureStatus.REQUESTED, ErasureEvent.CARRY_OUT): ErasureStatus.CARRIED_OUT,
    (ErasureStatus.REQUESTED, ErasureEvent.REJECT): ErasureStatus.REJECTED,
}

_DAY = re.compile(r"(?<!\d)(?:19|20)\d\d-?(?:0[1-9]|1[0-2])-?(?:0[1-9]|[12]\d|3[01])(?!\d)", re.ASCII)
_LONG_NUMBER = re.compile(r"(?:[0-9０-９][\s\-]*){7,}")


def check_says_no_number(text: str, *, pointer: str) -> None:
    """Raise `NumberInTextError` for a free text with a long number in it, which is no day: it is kept in clear."""
    if holds_personal_number(text) or _LONG_NUMBER.search(_DAY.sub("日", text)):
        raise NumberInTextError(pointer=pointer)


def check_code(code: str, *, village_code: str) -> None:
    """Raise `NumberInTextError` for a household's code with a number of a person in it: it is shown in clear.

    Resident and mobile numbers are refused always; digits of a card only after the code of the household's own village,
    which begins with 62 in Gansu and would with its serial pass for a card's.
    """
    told_here = code.removeprefix(village_code)
    if holds_resident_id(code) or holds_mobile_in_code(code) or is_personal_code(told_here):
        raise NumberInTextError(pointer="/code")


def check_reveal(role: Role, purpose: Purpose, fields: Collection[PersonalField]) -> None:
    """Raise `ForbiddenError` for a role that reads nothing in clear, `RevealNotAllowedError` for what is too much."""
    purposes = REVEALS.get(role)
    if purposes is None:
        raise ForbiddenError(permission="person:reveal")
    beyond = tuple(field.value for field in fields if field not in purposes.get(purpose, ()))
    if beyond:
        raise RevealNotAllowedError(purpose=purpose.value, fields=beyond, pointer="/fields")


def check_quota(already: int, wanted: int) -> None:
    """Raise `RevealQuotaError` when a member would read of more households within the hour than one may."""
    if already + wanted > REVEALED_PER_HOUR:
        raise RevealQuotaError(most=REVEALED_PER_HOUR)


class NumberInTextError(MarketError):
    """A free text or a code is kept in clear, so no number of a person may stand in it."""

    en = "Leave out numbers of persons, accounts and telephones: this text is kept as it is."
    zh = "请勿填写身份证号、账号或电话号码:此处文字将原样留存。"


class RevealNotAllowedError(MarketError):
    """Each purpose needs some fields and no others."""

    status = 403
    en = "For this purpose ({purpose}) your role does not read in clear: {fields}."
    zh = "以该用途({purpose})查看时,您的角色不得查看明文:{fields}。"


class RevealQuotaError(MarketError):
    """Nobody reads the whole register in clear."""

    status = 429
    en = "You may read or look up {most} households an hour; try again later."
    zh = "每人每小时最多查看或检索 {most} 户,请稍后再试。"

    @property
    @override
    def headers(self) -> Mapping[str, str]:
        """Return when to come back (RFC 9110)."""
        return {"Retry-After": "3600"}


class ConsentMissingError(MarketError):
    """The household has not consented, or has withdrawn its consent."""

    status = 409
    en = "A household has not consented to this use of its data ({consent})."
    zh = "农户未同意该项数据用途({consent})。"


class ConsentTakenError(MarketError):
    """On any day a household has one consent to a purpose, so that its withdrawal leaves none."""

    status = 409
    en = "A consent to this purpose from {day} on is already recorded; withdraw it, or begin when it has ended."
    zh = "该用途自 {day} 起的同意已有记录;请先撤回,或自其失效之日起登记。"


class ConsentWithdrawnError(MarketError):
    """A consent is withdrawn once."""

    status = 409
    en = "This consent was withdrawn on {day}."
    zh = "该同意已于 {day} 撤回。"


class ErasurePendingError(MarketError):
    """A household is erased once."""

    status = 409
    en = "The erasure of this household's personal data is already requested or carried out."
    zh = "该户个人信息的删除已在申请中或已执行。"


class HouseholdErasedError(MarketError):
    """The data were destroyed, for ever."""

    status = 409
    en = "The personal data of this household were erased on {erased_on}."
    zh = "该户个人信息已于 {erased_on} 删除。"


class ResidentIdTakenError(MarketError):
    """A person is in one household."""

    status = 409
    en = "A person with this resident ID is already on the register, in another household or in this one."
    zh = "该身份证号码已登记在册(本户或他户)。"


class PeopleExceedHeadsError(MarketError):
    """A household has as many people as heads are counted, and no more."""

    status = 409
    en = "The household counts {heads} heads and has as many people on the register; correct the head count first."
    zh = "该户登记人口为 {heads} 人且人员已录满,请先更正人口数。"


class VaultClosedError(MarketError):
    """This server was started without the key of the vault."""

    status = 503
    en = "Personal data cannot be read or kept here: this server has no key to them."
    zh = "本服务未配置密钥,无法读取或保存个人信息。"


class HeadCountError(MarketError):
    """A household has at least one member on the register."""

    en = "A household has 1 to {max} members."
    zh = "家庭人口数须在 1 至 {max} 之间。"


class VillageOutsideRegionError(MarketError):
    """An officer keeps the register of the own county."""

    en = "The village {village} lies outside your region."
    zh = "村 {village} 不在您的辖区内。"


class HouseholdCodeTakenError(MarketError):
    """One code, one household."""

    status = 409
    en = "A household with the code {code} is already on the register."
    zh = "户编号 {code} 已在册。"


class StatusOrderError(MarketError):
    """Statuses are added in order of time, one to a day."""

    status = 409
    en = "A status of that day or a later one, from {latest}, is already on the register."
    zh = "登记册中已有当日或更晚({latest})的状态。"


class HouseholdDepartedError(MarketError):
    """The household has left the register."""

    status = 409
    en = "This household left the register on {departed_on}."
    zh = "该户已于 {departed_on} 退出登记册。"
