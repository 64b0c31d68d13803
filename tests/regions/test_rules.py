"""What follows what in the history of a region's names."""

from datetime import date

import pytest

from market.regions.rules import DIGITS_OF, Level, RegionOverlapError, check_succession

FROM = date(2000, 1, 1)
UNTIL = date(2021, 3, 1)


def test_each_level_has_its_own_number_of_digits() -> None:
    assert [DIGITS_OF[level] for level in Level] == [2, 4, 6, 9, 12]


@pytest.mark.parametrize(
    ("begins", "until"),
    [(date(2000, 1, 2), None), (date(2021, 3, 1), None), (date(2021, 3, 1), UNTIL), (date(2025, 1, 1), UNTIL)],
)
def test_a_name_may_follow_one_that_ends_or_is_still_open(begins: date, until: date | None) -> None:
    check_succession("141122106", begins, latest_from=FROM, latest_until=until)


@pytest.mark.parametrize(
    ("begins", "until"), [(FROM, None), (date(1999, 1, 1), None), (date(2021, 2, 28), UNTIL), (FROM, UNTIL)]
)
def test_a_name_that_overlaps_another_is_refused(begins: date, until: date | None) -> None:
    with pytest.raises(RegionOverlapError):
        check_succession("141122106", begins, latest_from=FROM, latest_until=until)
