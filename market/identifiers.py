"""Identifiers of the Chinese state: credit codes, resident numbers, region codes, e-invoice numbers; references; codes.

Our own functions, because `python-stdnum` refuses valid codes of this domain (domain.md §9): village collectives'
credit codes that begin with N, and residents born before their county had its present code.
"""

import re
import unicodedata
from datetime import date

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_CODE = re.compile(rf"[{_CREDIT_ALPHABET}]{{2}}[0-9]{{6}}[{_CREDIT_ALPHABET}]{{10}}")
_RESIDENT_ID = re.compile(r"[0-9]{6}([0-9]{4})([0-9]{2})([0-9]{2})[0-9]{3}[0-9X]")
_RESIDENT_CHECK = "10X98765432"
_REGION_CODE = re.compile(r"[0-9]{2}([0-9]{2}([0-9]{2}([0-9]{3}([0-9]{3})?)?)?)?")
_EIGHTEEN = re.compile(r"(?<!\d)\d{17}[\dXx](?!\d)", re.ASCII)
_MOBILE = re.compile(r"(?<![A-Za-z0-9=/_-])1[3-9]\d{9}(?!\d)", re.ASCII)
_CARD = re.compile(r"(?<!\d)62\d{14,17}(?!\d)", re.ASCII)
_EINVOICE_NUMBER = re.compile(r"[0-9]{20}")
_COUNTY_DIGITS = 6
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits of one-time codes: on paper none is taken for another."""

_MAY_BE_LEFT_OUT = {"Zs", "Pd"}
"""Unicode categories with or without which a reference is written: spaces; hyphens and dashes."""


def is_credit_code(text: str) -> bool:
    """Tell whether this is a unified social credit code (GB 32100): form, and check character modulo 31."""
    if _CREDIT_CODE.fullmatch(text) is None:
        return False
    weighted = sum(_CREDIT_ALPHABET.index(text[place]) * pow(3, place, 31) for place in range(17))
    return text[17] == _CREDIT_ALPHABET[-weighted % 31]


def is_resident_id(text: str) -> bool:
    """Tell whether this is a resident identity number (GB 11643): length, birth date, and check character.

    The region is not looked at: a county may have got its code after the person was born.
    """
    match = _RESIDENT_ID.fullmatch(text)
    if match is None:
        return False
    try:
        date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        return False
    weighted = sum(int(text[place]) * pow(2, 17 - place, 11) for place in range(17))
    return text[17] == _RESIDENT_CHECK[weighted % 11]


def is_card_number(text: str) -> bool:
    """Tell whether this is the number of a bank card of the mainland: 62, 16 to 19 digits, and Luhn's check digit."""
    doubled = [int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(text)) if digit.isdecimal()]
    return _CARD.fullmatch(text) is not None and sum(value - 9 if value > 9 else value for value in doubled) % 10 == 0


def holds_resident_id(text: str) -> bool:
    """Tell whether a resident identity number stands somewhere in a text."""
    return any(is_resident_id(number.upper()) for number in _EIGHTEEN.findall(unicodedata.normalize("NFKC", text)))


def holds_personal_number(text: str) -> bool:
    """Tell whether a resident identity number, a mobile telephone's or a bank card's stands somewhere in a text."""
    plain = unicodedata.normalize("NFKC", text)
    return holds_resident_id(plain) or bool(_MOBILE.search(plain)) or any(map(is_card_number, _CARD.findall(plain)))


def is_region_code(text: str) -> bool:
    """Tell whether this has the form of a region code: 2-2-2 digits (GB/T 2260), + 3 township, + 3 village."""
    return _REGION_CODE.fullmatch(text) is not None


def county_of(region_code: str) -> str:
    """Return the code of the county in which a county, township or village lies.

    Raises `ValueError` for a region above the counties, and for what is no region code.
    """
    if not is_region_code(region_code) or len(region_code) < _COUNTY_DIGITS:
        raise ValueError(region_code)
    return region_code[:_COUNTY_DIGITS]


def is_einvoice_number(text: str) -> bool:
    """Tell whether this has the form of the number of an e-invoice (数电发票): 20 digits."""
    return _EINVOICE_NUMBER.fullmatch(text) is not None


def reference_key(text: str) -> str:
    """Return by what bank references are told apart, however they were typed.

    Full width becomes half width, small letters capitals; spaces and hyphens fall away. A reference of nothing else
    is its own key.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    return "".join(letter for letter in plain if unicodedata.category(letter) not in _MAY_BE_LEFT_OUT) or plain
