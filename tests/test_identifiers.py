"""The identifiers, against the vectors of domain.md §9 and its sources."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.identifiers import (
    county_of,
    holds_personal_number,
    holds_resident_id,
    is_card_number,
    is_credit_code,
    is_einvoice_number,
    is_personal_code,
    is_personal_reference,
    is_region_code,
    is_resident_id,
    reference_key,
)

CREDIT_CODES = [
    "91110000600037341L",
    "91110108551385082Q",
    "91350100M000100Y43",
    "93141122MA0FAKE015",
    "91141130MA0FAKE021",
    "11141100FAKE00031K",
    "12621000FAKE00041M",
    "N2141122MF0000051D",
    "93141122MA00000280",
]
CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
RESIDENT_IDS = ["360426199101010071", "142322194801010010", "622827197512120034", "141122194801010019"]


@pytest.mark.parametrize("code", CREDIT_CODES)
def test_a_valid_credit_code_is_known_also_of_a_village_collective_and_with_remainder_zero(code: str) -> None:
    assert is_credit_code(code)


@pytest.mark.parametrize(
    "code",
    [
        "91350100M000100Y4A",
        "",
        "91350100M000100Y4",
        "91350100M000100Y433",
        "91350100m000100y43",
        "91350100M000100Y43\n",
        " 91350100M000100Y43",
        "9135010OM000100Y43",
        "91350100I000100Y43",
        "9135010０M000100Y43",
    ],
)
def test_anything_else_is_no_credit_code(code: str) -> None:
    assert not is_credit_code(code)


@given(code=st.sampled_from(CREDIT_CODES), place=st.integers(0, 17), letter=st.sampled_from(CREDIT_ALPHABET))
def test_one_wrong_character_of_a_credit_code_is_always_noticed(code: str, place: int, letter: str) -> None:
    altered = code[:place] + letter + code[place + 1 :]
    assert is_credit_code(altered) == (altered == code)


@pytest.mark.parametrize("number", RESIDENT_IDS)
def test_a_resident_id_is_known_whatever_its_county_was_called_at_birth(number: str) -> None:
    assert is_resident_id(number)


@pytest.mark.parametrize(
    "number",
    [
        "360426199101010072",
        "36042619910101007",
        "3604261991010100711",
        "360426199113010071",
        "360426199102300071",
        "360426000001010071",
        "36042619910101007x",
        "３60426199101010071",
        "",
    ],
)
def test_a_wrong_length_date_or_checksum_is_no_resident_id(number: str) -> None:
    assert not is_resident_id(number)


def test_a_resident_id_may_end_in_x() -> None:
    assert is_resident_id("14112219480101006X")


def test_an_impossible_birth_date_is_refused_even_with_a_right_checksum() -> None:
    assert not any(is_resident_id(f"36042619910230007{check}") for check in "0123456789X")


@given(number=st.sampled_from(RESIDENT_IDS), place=st.integers(0, 16), digit=st.sampled_from("0123456789"))
def test_one_wrong_digit_of_a_resident_id_is_always_noticed(number: str, place: int, digit: str) -> None:
    altered = number[:place] + digit + number[place + 1 :]
    assert is_resident_id(altered) == (altered == number)


@pytest.mark.parametrize("code", ["14", "1411", "141122", "141122106", "141122106201"])
def test_region_codes_are_two_two_two_and_three_three(code: str) -> None:
    assert is_region_code(code)


@pytest.mark.parametrize("code", ["", "1", "141", "14112", "1411221", "14112210620", "1411221062011", "14112A", "１４"])
def test_anything_else_is_no_region_code(code: str) -> None:
    assert not is_region_code(code)


@pytest.mark.parametrize("code", ["141122", "141122106", "141122106201"])
def test_a_village_and_a_township_lie_in_the_county_of_their_first_six_digits(code: str) -> None:
    assert county_of(code) == "141122"


@pytest.mark.parametrize("code", ["14", "1411", "village", "1411221"])
def test_a_city_a_province_or_a_word_lies_in_no_county(code: str) -> None:
    with pytest.raises(ValueError, match=code):
        county_of(code)


NEW_YEARS_DAY = date(2026, 1, 1)


@pytest.mark.parametrize(
    "number",
    [
        "25142000000000000016",
        "26142000000000000016",
        "21112000000000000016",
        "24952000000110579895",
        "25462000000000000000",
    ],
)
def test_an_e_invoice_number_tells_its_year_and_province(number: str) -> None:
    assert is_einvoice_number(number, by=NEW_YEARS_DAY)


@pytest.mark.parametrize(
    "number",
    [
        "2514200000000000001",
        "251420000000000000160",
        "2514200000000000001A",
        "2514200000000000001６",
        "99999999999999999999",
        "27142000000000000016",
        "20142000000000000016",
        "25162000000000000016",
        "25712000000000000016",
        "25962000000000000016",
    ],
)
def test_what_no_province_can_have_issued_by_the_day_is_no_e_invoice_number(number: str) -> None:
    assert not is_einvoice_number(number, by=NEW_YEARS_DAY)


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("ICBC-20260331-000412", "ICBC20260331000412"),
        ("icbc 20260331\u3000000412", "ICBC20260331000412"),
        ("\uff29\uff23\uff22\uff23\uff0d2026\u20130331\u2014000412", "ICBC20260331000412"),
        ("\u56de\u53551-1", "\u56de\u535511"),
        ("REF_A1.", "REFA1"),
        ("--", "--"),
        ("_.", "_."),
    ],
)
def test_a_reference_is_the_same_however_it_is_typed(typed: str, key: str) -> None:
    assert reference_key(typed) == key


CARD = "6222020200112230004"
BORN = "141122198603122173"
OF_GANSU = "6210221062010009"


@pytest.mark.parametrize(
    "text",
    [
        f"卡号{CARD}",
        "卡号 6222 0202 0011 2230 004",
        "6222-0212-3456-7890-128",
        "622202 0200112230004",
        "6217 0012 3456 7893 100元",
        "电话 13800000000",
        "６２２２０２０２００１１２２３０００４",
        "张 360426199101010071",
        "收141122 19860312 2173",
        "141122-19860312-2173",
        "14112219480101 006X",
        "+8613912345678",
        "008613912345678",
        "8613912345678",
        "139-1234-5678",
        "139 12345678",
        "1391234 5678",
        "139.1234.5678",
        "(139) 1234-5678",
        "给李四 +86 139 1234 5678",
        "86-139-1234-5678",
        "电话-13912345678",
    ],
)
def test_a_number_of_a_person_is_known_among_words(text: str) -> None:
    assert holds_personal_number(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "银行代发回单 20260302-01",
        "ICBC-20260331-000412",
        "6222020200112230007",
        f"1{CARD}",
        "25142000000000000016",
        "1411221062010001 与 1411221062010002",
        "141122106205010095",
        f"{OF_GANSU} {OF_GANSU[:-2]}17",
        "收购单 2026-03-02 第 15 号 1280.00 元",
        "0013912345678",
        "REF-13912345678",
        "https://shop.example/item?id=13912345678",
        "2026-150-0012-3456",
        "HGZ-141122-20260302-0010",
        "、".join(f"621022-20260302-{serial:04}" for serial in range(1, 30)),
    ],
)
def test_other_numbers_name_nobody(text: str) -> None:
    assert not holds_personal_number(text)


def test_a_code_of_a_household_in_gansu_has_a_card_s_check_digit_by_chance() -> None:
    assert is_card_number(OF_GANSU)
    assert is_resident_id("141122106205010095"), "of the year 1062"
    assert is_resident_id("141122202603020010"), "county, day and serial number of a slip"


@pytest.mark.parametrize(
    "text", ["+8613912345678", "139-1234-5678", "付户主13912345678", f"B {CARD}", f"收{BORN}", "收141122 19860312 2173"]
)
def test_a_reference_with_a_number_of_a_person_beyond_mistake_is_known(text: str) -> None:
    assert is_personal_reference(text)


@pytest.mark.parametrize(
    "text", ["13912345678", "8613912345678", "B20260302-000017", "9" * 16, "9" * 22, f"B {CARD[1:]}"]
)
def test_a_reference_of_a_bank_is_digits_of_any_length(text: str) -> None:
    assert not is_personal_reference(text)


@pytest.mark.parametrize("code", ["a13912345678", f"c_{CARD}", f"a{BORN}", "h-139-1234-5678"])
def test_a_code_that_holds_a_number_of_a_person_is_known_also_after_letters(code: str) -> None:
    assert is_personal_code(code)
    assert not is_personal_code("qi_jin_2026")


def test_a_telephone_is_no_resident_number() -> None:
    assert not holds_resident_id("13800000000")


@pytest.mark.parametrize("text", ["", "62", "6222020200112230007", "9" + CARD[1:], CARD + "0"])
def test_a_bank_card_has_its_check_digit(text: str) -> None:
    assert is_card_number(CARD)
    assert not is_card_number(text)
