"""The benchmark can fail: it misses what is too slow, and counts no answer that a stranger or a repeat would get."""

from collections.abc import Callable, Iterator
from itertools import count

import pytest
import sqlalchemy as sa

from market.attribution.accrual import AcceptedLine
from market.db import Database
from market.ledger.models import LedgerEntry
from market.orders.models import OrderGroup
from tests.benchmarks import load, posting, world
from tests.benchmarks.__main__ import judged_paths, order_body
from tests.benchmarks.verdict import Verdict, limit
from tests.serving import served

SECONDS = 0.1


@pytest.fixture
def found(committed_db: Database) -> world.World:
    with committed_db.transaction() as session:
        return world.build(session, products=10, households=[3])


@pytest.fixture
def port(committed_db: Database) -> Iterator[int]:
    with served(committed_db) as address:
        yield int(address.rsplit(":", 1)[1])


def test_the_limit_of_two_equal_costs_is_half_of_each() -> None:
    assert limit(1_000, 1_000) == 500
    assert limit(1_000, 10**12) == pytest.approx(1_000)


def test_an_aim_is_missed_just_below_it() -> None:
    assert Verdict(0.35, 0.35).reached
    assert not Verdict(0.3499, 0.35).reached


def test_a_path_that_is_slower_than_its_aim_is_said_to_miss_it() -> None:
    enough, too_slow = [(175.1, 1_000.0, 1_000.0)], [(149.0, 1_000.0, 1_000.0)]
    _, verdicts = judged_paths({"listing": enough, "placing": too_slow})
    assert [verdict.reached for verdict in verdicts] == [True, False]
    assert verdicts[1].cells() == ("0.30", "≥ 0.30", "MISSED")


def test_a_listing_is_measured_as_somebody_who_signed_in(found: world.World, port: int) -> None:
    def listing(token: str) -> float:
        return load.rate(port, load.get("/v1/products?limit=20", token), SECONDS, status=200)[0]

    assert listing(found.token) > 0
    with pytest.raises(RuntimeError, match=r"^HTTP/1\.1 401 "):
        listing(found.token + "x")


def test_an_answer_to_placing_is_counted_once_for_each_order_group(
    found: world.World, port: int, committed_db: Database
) -> None:
    placed = placing(found, port, lambda number: f"key-{number}")
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(OrderGroup)) == placed


@pytest.mark.parametrize(("key", "status"), [("", 400), ("the same", 409)])
def test_placing_without_a_key_of_its_own_is_no_measurement(
    found: world.World, port: int, key: str, status: int
) -> None:
    with pytest.raises(RuntimeError, match=rf"^HTTP/1\.1 {status} "):
        placing(found, port, lambda _: key)


def placing(found: world.World, port: int, key: Callable[[int], str]) -> int:
    """Place orders for a moment, each another; return how many answers were counted."""
    made = count()
    orders = (
        load.post("/v1/order-groups", found.token, key(number), order_body(found.products, number)) for number in made
    )
    load.rate(port, orders, SECONDS, status=201)
    return next(made)


def test_the_bare_insert_writes_the_rows_of_the_posting(found: world.World, committed_db: Database) -> None:
    line: AcceptedLine = found.contributed[3]
    posting.ratio(committed_db, line, 1)
    with committed_db.transaction() as session:
        entries = session.execute(sa.select(LedgerEntry.transfer_count, LedgerEntry.total_fen)).all()
    assert len(entries) == 3, "the one recorded, the posting, and the insert"
    assert len(set(entries)) == 1
