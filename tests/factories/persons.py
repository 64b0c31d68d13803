"""People who do not exist: made-up names, numbers that pass their checks, and a keyring of the tests alone."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import orm

from market.households import keys, people
from market.households.models import Household, Person
from market.households.particulars import checked
from market.households.rules import PersonalField
from market.households.vault import Keyring, Vault
from tests.factories.people import number

VAULT = Vault(Keyring({1: bytes(range(32))}, bytes(range(32, 64))))
_SURNAMES = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = "试样例拟虚构造设假托代称甲乙丙丁"
_WEIGHTS = [pow(2, 17 - place, 11) for place in range(17)]


def resident_id(serial: int, *, county: str = "141122", born: date | None = None) -> str:
    """A resident ID with a right check character, of a person who was never born."""
    born = born or date(1950, 1, 1) + timedelta(days=serial * 37 % 20_000)
    digits = f"{county}{born:%Y%m%d}{serial % 1000:03d}"
    return digits + "10X98765432"[sum(int(d) * w for d, w in zip(digits, _WEIGHTS, strict=True)) % 11]


def card(serial: int) -> str:
    """A bank card's number with a right check digit (Luhn)."""
    digits = f"6299{serial:014d}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(digits))]
    return digits + str(-sum(value - 9 if value > 9 else value for value in doubled) % 10)


def particulars(serial: int | None = None, **changed: str | None) -> dict[str, str | None]:
    """What is known of a made-up person, by the names of the fields."""
    serial = number() if serial is None else serial
    name = _SURNAMES[serial % 16] + _GIVEN[serial // 16 % 16] + _GIVEN[serial // 256 % 16]
    return {
        "name": name,
        "resident_id": resident_id(serial),
        "relation": "户主",
        "phone": f"1390000{serial % 10_000:04d}",
        "bank_name": "示例农村商业银行",
        "bank_account": card(serial),
        "health": f"慢性病示例{serial}号",
    } | changed


def person(
    session: orm.Session,
    household: Household,
    *,
    vault: Vault = VAULT,
    known: Mapping[str, str | None] | None = None,
) -> Person:
    """A person of the household, sealed."""
    given = {PersonalField(name): value for name, value in (known or particulars()).items()}
    key = keys.keys_for(session, vault, [household.id], now=datetime(2020, 1, 1, tzinfo=UTC))[household.id]
    row = Person(**people.row_of(vault, key, household.id, checked(given, today=date(2026, 3, 2))))
    session.add(row)
    session.flush()
    return row
