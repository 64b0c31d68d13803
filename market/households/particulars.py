"""What is known of a person, before it is sealed: one way of writing, plausible values, and masks."""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

from market.errors import InvalidInputError
from market.households.rules import PersonalField
from market.identifiers import is_card_number, is_resident_id

Particulars = Mapping[PersonalField, str]
"""The fields that are known, in their one way of writing."""
Said = tuple[str, str]
"""A reason in English and Chinese; it never holds the value itself."""

LONGEST: Mapping[PersonalField, int] = {
    PersonalField.NAME: 50,
    PersonalField.RESIDENT_ID: 40,
    PersonalField.RELATION: 20,
    PersonalField.PHONE: 30,
    PersonalField.BANK_NAME: 60,
    PersonalField.BANK_ACCOUNT: 40,
    PersonalField.HEALTH: 500,
}
_GAPS = re.compile(r"[\s\-‐-―]")
_MOBILE = re.compile(r"1[3-9][0-9]{9}")
_LANDLINE = re.compile(r"0[1-9][0-9]{8,10}")
_NUMBER = re.compile(r"[0-9]{6}")
_ACCOUNT = re.compile(r"[0-9]{10,23}")
_DISABILITY_CARD = re.compile(r"(.{18})[1-7][1-4](B[1-9])?")
_EARLIEST_BIRTH = date(1900, 1, 1)


def normalised(field: PersonalField, text: str) -> str:
    """Return the one way of writing a value: half width; no gaps in numbers, no +86 before a telephone's."""
    plain = unicodedata.normalize("NFKC", text).strip()
    match field:
        case PersonalField.RESIDENT_ID:
            return _GAPS.sub("", plain).upper()
        case PersonalField.PHONE:
            digits = re.sub(r"[()]", "", _GAPS.sub("", plain))
            return re.sub(r"^(\+86|0086|86(?=1[3-9][0-9]{9}$))", "", digits)
        case PersonalField.BANK_ACCOUNT:
            return _GAPS.sub("", plain)
    return plain


def fault_of(field: PersonalField, value: str, *, today: date) -> Said | None:
    """Return why a value in its one way of writing is refused, or None."""
    if len(value) > LONGEST[field] or not value or any(not letter.isprintable() for letter in value):
        most = LONGEST[field]
        return f"must be 1 to {most} printable characters", f"须为 1 至 {most} 个可打印字符"
    match field:
        case PersonalField.NAME | PersonalField.RELATION if _NUMBER.search(_GAPS.sub("", value)):
            return "holds a number", "含有号码"
        case PersonalField.RESIDENT_ID:
            return _fault_of_resident_id(value, today)
        case PersonalField.PHONE if not (_MOBILE.fullmatch(value) or _LANDLINE.fullmatch(value)):
            return "is no telephone number of the mainland", "不是有效的手机或座机号码"
        case PersonalField.BANK_ACCOUNT if not _ACCOUNT.fullmatch(value):
            return "is no bank account: 10 to 23 digits", "银行账号须为 10 至 23 位数字"
    return None


def doubt_of(field: PersonalField, value: str) -> Said | None:
    """Return what is odd about a value that is accepted, or None."""
    if field is PersonalField.BANK_ACCOUNT and re.fullmatch(r"62[0-9]{14,17}", value) and not is_card_number(value):
        return "the check digit of this card number is wrong", "银行卡号校验位不符"
    return None


def _fault_of_resident_id(value: str, today: date) -> Said | None:
    if len(value) != 18:
        return _fault_of_length(value)
    born = _day_of(value)
    if born is None:
        return "holds no date of birth", "出生日期无效"
    if not _EARLIEST_BIRTH <= born <= today:
        return "the date of birth is in the future or before 1900", "出生日期在今日之后或早于 1900 年"
    if not is_resident_id(value):
        return "the check character is wrong", "身份证号码校验码错误"
    return None


def _fault_of_length(value: str) -> Said:
    card = _DISABILITY_CARD.fullmatch(value)
    if card is not None and is_resident_id(card[1]):
        return (
            "is the number of a disability card; enter the resident ID, its first 18 characters",
            "为残疾人证号,请填身份证号码(即其前 18 位)",
        )
    if len(value) == 15 and value.isdecimal():
        return "is a number of the first generation (15 digits); enter the one of 18", "为 15 位旧号码,请填 18 位号码"
    return "a resident ID has 18 characters", "身份证号码须为 18 位"


def _day_of(resident_id: str) -> date | None:
    try:
        return date.fromisoformat(resident_id[6:14])
    except ValueError:
        return None


def masked(field: PersonalField, value: str) -> str:
    """Return what is shown of a value by default; of a note on health only that there is one."""
    match field:
        case PersonalField.NAME:
            return f"{value[0]}**"
        case PersonalField.RESIDENT_ID:
            return f"{value[:6]}{'*' * 8}{value[-4:]}"
        case PersonalField.PHONE:
            return f"{value[:3]}****{value[-4:]}"
        case PersonalField.BANK_ACCOUNT:
            return f"****{value[-4:]}"
        case PersonalField.RELATION:
            return value
    return "***"


def checked(given: Mapping[PersonalField, str | None], *, today: date) -> dict[PersonalField, str]:
    """Return what is given in its one way of writing; raises `InvalidInputError` pointing at a field."""
    known = {}
    for field, text in given.items():
        if text is not None:
            known[field] = value = normalised(field, text)
            fault = fault_of(field, value, today=today)
            if fault is not None:
                raise InvalidInputError(*fault, pointer=f"/{field}")
    return known
