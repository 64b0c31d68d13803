"""The line to PostgreSQL breaks at a COMMIT, the application dies at it, or nothing can be written."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx2
import psycopg
import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.identity.models import IdempotentAnswer
from market.orders.models import Order
from market.payments import tasks
from market.payments.models import OnlinePayment
from market.payments.rules import OnlineStatus
from tests import schema
from tests.failures.processes import Processes
from tests.failures.proxy import Cut, Proxy, proxied
from tests.failures.world import World, later, over
from tests.stripe_emulator.faults import Failure

PATIENCE_S = 30


@pytest.fixture
def line(at_stake: World) -> Iterator[tuple[Proxy, str]]:
    with proxied(at_stake.url) as line:
        yield line


@contextmanager
def behind(url: str, at_stake: World) -> Iterator[TestClient]:
    """Yield a client of an application that reaches its database by a URL."""
    with closing(Database(url, threads=2)) as db, TestClient(create_app(db, gateway=at_stake.gateway)) as client:
        yield client


def test_f06_the_application_dies_when_it_is_committed_and_nobody_was_told(
    at_stake: World, processes: Processes, line: tuple[Proxy, str]
) -> None:
    proxy, url = line
    application = processes.serve(url, at_stake.emulator)
    with over(application.address) as client, ThreadPoolExecutor(1) as pool:
        group = at_stake.placed(client.post)
        path, headers = f"/v1/order-groups/{group}/online-payments", at_stake.headers("orderer")
        trip = proxy.cut(Cut.AFTER, held=True)
        asked = pool.submit(client.post, path, headers=headers)
        assert trip.met.wait(PATIENCE_S)
        application.kill()
        trip.released.set()
        with pytest.raises(httpx2.TransportError):
            asked.result(PATIENCE_S)
    assert at_stake.payments() == [OnlineStatus.CREATING]
    application = processes.serve(url, at_stake.emulator)
    with over(application.address) as client:
        again = client.post(path, headers=headers)
    application.kill()
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (201, "true")
    at_stake.work()
    at_stake.charge()
    at_stake.work()
    assert at_stake.payments() == [OnlineStatus.CAPTURED]
    assert at_stake.agrees() == Counter(charge=1)


@pytest.mark.parametrize("cut", list(Cut))
def test_f07_the_answer_to_a_commit_is_lost_and_who_asks_again_gets_it(
    at_stake: World, line: tuple[Proxy, str], cut: Cut
) -> None:
    proxy, url = line
    with behind(url, at_stake) as client:
        headers = at_stake.headers("orderer")
        trip = proxy.cut(cut)
        lost = client.post("/v1/order-groups", json=at_stake.order(), headers=headers)
        assert trip.met.is_set()
        assert (lost.status_code, lost.json()["code"]) == (503, "busy")
        assert at_stake.count(Order) == (cut is Cut.AFTER)
        again = client.post("/v1/order-groups", json=at_stake.order(), headers=headers)
    assert (again.status_code, "Idempotency-Hit" in again.headers) == (201, cut is Cut.AFTER)
    assert at_stake.count(Order) == 1
    assert at_stake.agrees() == Counter()


@pytest.mark.parametrize("cut", list(Cut))
@pytest.mark.parametrize("commit", [1, 2])
def test_f07_the_line_breaks_around_a_call_and_the_provider_has_done_it_once(
    at_stake: World, line: tuple[Proxy, str], cut: Cut, commit: int
) -> None:
    """The first COMMIT comes before the call, the second after its answer."""
    with TestClient(create_app(at_stake.db)) as client:
        group = at_stake.placed(client.post)
    with TestClient(create_app(at_stake.db, gateway=at_stake.gateway)) as client:
        at_stake.emulator.fail(Failure.CUT_BEFORE)
        client.post(f"/v1/order-groups/{group}/online-payments", headers=at_stake.headers("orderer"))
    proxy, url = line
    with closing(Database(url, threads=1)) as db:
        trip = proxy.cut(cut, skip=commit)  # one more tells which calls are due
        tasks.make_calls(db, at_stake.gateway, later(minutes=2))
        assert trip.met.is_set()
        tasks.make_calls(db, at_stake.gateway, later(minutes=10))
    assert at_stake.payments() == [OnlineStatus.OPEN]
    at_stake.charge()
    at_stake.work(ahead=timedelta(minutes=30))
    assert at_stake.agrees() == Counter(charge=1)


READ_ONLY = ["ALTER DATABASE {name} SET default_transaction_read_only = on"]
FULL = [
    """
    CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS
    $$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END $$
    """,
    "CREATE TRIGGER full_disk BEFORE INSERT ON idempotent_answers FOR EACH ROW EXECUTE FUNCTION full_disk()",
]
"""The last that a request writes: everything else is written by then."""
WRITABLE = ["ALTER DATABASE {name} RESET default_transaction_read_only"]
EMPTIED = ["DROP TRIGGER full_disk ON idempotent_answers", "DROP FUNCTION full_disk"]


def told(at_stake: World, statements: list[str]) -> None:
    """Let the database's owner say something."""
    name = sa.make_url(at_stake.url).database
    with psycopg.connect(schema.plain(at_stake.url), autocommit=True) as connection:
        connection.execute("SET default_transaction_read_only = off")
        for statement in statements:
            connection.execute(statement.format(name=name).encode())


@pytest.mark.parametrize(("failing", "mended"), [(READ_ONLY, WRITABLE), (FULL, EMPTIED)])
def test_f23_what_cannot_be_written_is_refused_whole_and_done_when_it_can(
    at_stake: World, failing: list[str], mended: list[str]
) -> None:
    key = uuid4().hex
    told(at_stake, failing)
    refused = _placed(at_stake, key)
    assert (refused.status_code, refused.json()["code"], refused.headers["Retry-After"]) == (503, "busy", "1")
    assert [at_stake.count(model) for model in (Order, IdempotentAnswer, OnlinePayment)] == [0, 0, 0]
    told(at_stake, mended)
    assert _placed(at_stake, key).status_code == 201
    assert at_stake.count(Order) == 1
    assert at_stake.agrees() == Counter()


def _placed(at_stake: World, key: str) -> Any:
    with behind(at_stake.url, at_stake) as client:
        return client.post("/v1/order-groups", json=at_stake.order(), headers=at_stake.headers("orderer", key))
