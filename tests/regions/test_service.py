"""A region bears one name on any day."""

from datetime import date

import pytest
from sqlalchemy import orm

from market.errors import InvalidInputError
from market.regions import service
from market.regions.rules import RegionOverlapError, UnknownRegionError

TOWNSHIP = "141122106"
RENAMED_ON = date(2021, 3, 1)


@pytest.fixture
def renamed(session: orm.Session) -> orm.Session:
    service.add_region(session, code=TOWNSHIP, name="洪相乡", valid_from=date(2000, 1, 1))
    service.add_region(session, code=TOWNSHIP, name="洪相镇", valid_from=RENAMED_ON)
    return session


@pytest.mark.parametrize(
    ("on", "name"),
    [(date(2000, 1, 1), "洪相乡"), (date(2021, 2, 28), "洪相乡"), (RENAMED_ON, "洪相镇"), (date(2026, 1, 1), "洪相镇")],
)
def test_a_renamed_township_keeps_its_old_name_for_the_days_before(renamed: orm.Session, on: date, name: str) -> None:
    assert service.require_region(renamed, TOWNSHIP, on).name == name


def test_a_region_is_unknown_before_its_first_name_and_under_another_code(renamed: orm.Session) -> None:
    for code, on in [(TOWNSHIP, date(1999, 12, 31)), ("141122107", RENAMED_ON)]:
        with pytest.raises(UnknownRegionError) as refusal:
            service.require_region(renamed, code, on, pointer="/village_code")
        assert refusal.value.pointer == "/village_code"


@pytest.mark.parametrize("day", [RENAMED_ON, date(2010, 1, 1), date(1990, 1, 1)])
def test_history_is_not_written_again(renamed: orm.Session, day: date) -> None:
    with pytest.raises(RegionOverlapError):
        service.add_region(renamed, code=TOWNSHIP, name="别名", valid_from=day)


def test_a_code_of_another_form_is_refused(session: orm.Session) -> None:
    with pytest.raises(InvalidInputError):
        service.add_region(session, code="14112", name="交", valid_from=RENAMED_ON)
