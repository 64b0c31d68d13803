"""What the answers of attribution say of the shares of a line, without a database."""

from hypothesis import given

from market.attribution.rules import Kind, LineFacts, Share, attribute
from market.attribution.schemas import reach_out
from tests.attribution.shares import OWNERS, RETAINED, SUPPLIER, household, line_facts, total


def test_the_reach_counts_a_household_once_and_keeps_top_ups_apart() -> None:
    ordinary = Share(Kind.HOUSEHOLD, OWNERS[1], "order_purchase", None, assisted=False)
    shares = [
        (household(0), 10),
        (household(0, contribution=1), 5),
        (household(0, "labour"), 7),
        (ordinary, 20),
        (Share(Kind.COLLECTIVE, OWNERS[2], "collective_dividend"), 3),
        (Share(Kind.SUSPENSE, SUPPLIER, "share_dividend"), 4),
        (Share(Kind.POOL, SUPPLIER, "patronage"), 6),
        (RETAINED, 51),
    ]
    found = reach_out(shares, [(household(0), 9)])
    assert (found.households, found.assisted_households, found.collectives) == (2, 1, 1)
    assert [(each.mechanism, each.payees, each.fen, each.assisted_fen) for each in found.mechanisms] == [
        ("collective_dividend", 1, 3, 0),
        ("labour", 1, 7, 7),
        ("order_purchase", 2, 35, 15),
    ]
    assert (found.retained_fen, found.pool_fen, found.suspense_fen, found.top_up_fen) == (51, 6, 4, 9)
    assert (reach_out([]).mechanisms, reach_out([]).household_median_fen) == ([], 0)


def test_who_is_brought_nothing_is_not_reached_and_the_median_shows_crumbs() -> None:
    mechanism = "order_purchase"
    brought = [(Share(Kind.HOUSEHOLD, owner, mechanism), fen) for owner, fen in zip(OWNERS, (0, 1, 900), strict=False)]
    found = reach_out([*brought, (household(2, "labour"), 100), (household(0, "labour"), 0)])
    assert (found.households, found.household_median_fen) == (2, 1)
    assert [(each.payees, each.median_fen) for each in found.mechanisms] == [(1, 100), (2, 1)]


@given(line_facts())
def test_the_reach_of_a_line_adds_up_to_its_net_amount(line: LineFacts) -> None:
    found = attribute(line)
    reached = reach_out(found.shares, found.top_ups)
    brought = sum(mechanism.fen for mechanism in reached.mechanisms)
    assert brought + reached.retained_fen + reached.pool_fen + reached.suspense_fen == line.net_fen
    assert reached.top_up_fen == total(found.top_ups)
