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
_CARD = re.compile(r"62[0-9]{14,17}")
_GAP = r"[\s\-\u2010-\u2015_.·()]{0,3}"
_EIGHTEEN = re.compile(rf"(?<!\d)(?=(\d(?:{_GAP}\d){{16}}{_GAP}[\dXx])(?!\d))", re.ASCII)
_TELEPHONE = rf"(?:(?:\+|00)?86{_GAP})?1[3-9]\d{_GAP}\d{{4}}{_GAP}\d{{4}}(?!\d)"
_MOBILE = re.compile(rf"(?<![A-Za-z0-9=/_])(?<![A-Za-z0-9]-){_TELEPHONE}", re.ASCII)
_MOBILE_IN_CODE = re.compile(rf"(?<!\d){_TELEPHONE}", re.ASCII)
_SOME_GAP = _GAP.replace("{0,3}", "{1,3}")
_IN_FOURS = rf"62\d\d(?:{_SOME_GAP}\d{{4}}){{3}}"
_CARDS = [
    re.compile(rf"(?<!\d)(?=({written})(?!\d))", re.ASCII)
    for written in (r"62\d{14,17}", _IN_FOURS, rf"{_IN_FOURS}{_GAP}\d{{1,3}}", rf"62\d{{4}}{_SOME_GAP}\d{{10,13}}")
]
_CODE_OF_GANSU = re.compile(r"62(?:0[1-9]|1[0-2]|29|30)[0-9]{2}[0-5][0-9]{2}[0-5][0-9]{6}")
_EINVOICE_NUMBER = re.compile(r"([0-9]{2})(1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|9[1-5])[0-9]{16}")
_FIRST_YEAR_OF_EINVOICES = 2021
_COUNTY_DIGITS = 6
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Letters and digits of one-time codes: on paper none is taken for another."""

_MAY_BE_LEFT_OUT = {"Zs", "Pd", "Pc"}
"""Unicode categories with or without which a reference is written: spaces; hyphens and dashes; underscores."""


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
    """Tell whether a resident identity number stands somewhere in a text, in one or with spaces or hyphens in it.

    It is of someone born since 1900: a long code of a household may be one of the Middle Ages. Broken it is of someone
    born before 2020: of later years a slip's county, day and serial number look the same.
    """
    for found in _EIGHTEEN.findall(unicodedata.normalize("NFKC", text)):
        number = "".join(filter(str.isalnum, found)).upper()
        born_until = "2019" if len(found) > len(number) else "2099"
        if "1900" <= number[6:10] <= born_until and is_resident_id(number):
            return True
    return False


def holds_card_number(text: str) -> bool:
    """Tell whether the number of a bank card of the mainland stands somewhere in a text.

    It is written in one, in groups of four, or broken after the sixth digit alone, as cards are printed. 16 digits in
    one that begin as the codes of Gansu's villages do (62...) are a household's code, not a card: of the codes of its
    households every tenth has Luhn's digit by chance. Without Luhn's digit nothing tells a card from a reference.
    """
    plain = unicodedata.normalize("NFKC", text)
    found = (number for card in _CARDS for number in card.findall(plain) if not _CODE_OF_GANSU.fullmatch(number))
    return any(is_card_number("".join(filter(str.isdecimal, number))) for number in found)


def holds_personal_number(text: str) -> bool:
    """Tell whether a number of a person stands somewhere in words: a resident's, a bank card's or a mobile telephone's.

    A telephone's is written in one or broken after the third and the seventh digit, with +86, 0086, 86 or none of them;
    right after Latin letters, =, / or _, or a letter or digit and a hyphen, the digits belong to a reference.
    """
    plain = unicodedata.normalize("NFKC", text)
    return _MOBILE.search(plain) is not None or holds_resident_id(plain) or holds_card_number(plain)


def is_personal_reference(text: str) -> bool:
    """Tell whether a number of a person stands in a reference or a name: as in words, but for digits in one.

    References of banks are digits in one too, of any length, and may look like a telephone's by chance; they hold no
    Chinese, beside which such digits are a telephone's.
    """
    plain = unicodedata.normalize("NFKC", text)
    mobiles = _MOBILE.findall(plain)
    broken = any(not number.isdecimal() or not plain.isascii() for number in mobiles)
    return broken or holds_resident_id(plain) or holds_card_number(plain)


def holds_mobile_in_code(code: str) -> bool:
    """Tell whether a mobile telephone's number stands in a code, be it right after letters."""
    return _MOBILE_IN_CODE.search(code) is not None


def is_personal_code(code: str) -> bool:
    """Tell whether a number of a person stands in a code that someone chose: as in words, but also after letters."""
    return holds_mobile_in_code(code) or holds_resident_id(code) or holds_card_number(code)


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


def is_einvoice_number(text: str, *, by: date) -> bool:
    """Tell whether this can be the number of an e-invoice (数电发票) that was issued by a day: 20 digits.

    The first two are the year, 2021 at the earliest, when the first were issued; the next two are of the province (GB/T
    2260, the mainland's), or 91 to 95 of the five cities that have a tax bureau of their own, as Shenzhen's 95. How it
    was issued and its serial number, the other sixteen, may be any.
    """
    found = _EINVOICE_NUMBER.fullmatch(text)
    return found is not None and _FIRST_YEAR_OF_EINVOICES <= 2000 + int(found[1]) <= by.year


def reference_key(text: str) -> str:
    """Return by what bank references are told apart, however they were typed.

    Full width becomes half width, small letters capitals; spaces, hyphens, underscores and full stops fall away. A
    reference of nothing else is its own key.
    """
    plain = unicodedata.normalize("NFKC", text).upper()
    kept = (letter for letter in plain if letter != "." and unicodedata.category(letter) not in _MAY_BE_LEFT_OUT)
    return "".join(kept) or plain
