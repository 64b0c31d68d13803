"""The harness can fail: it tells of each acknowledged deed that is missing, double, or a fen off, and of real loss."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from tests.audit import history
from tests.conftest import clone
from tests.crash import world
from tests.crash.__main__ import lines
from tests.crash.checking import Compared, compare, complaints
from tests.crash.deeds import ACCEPT, CONFIRM, DEEDS, JOURNEYS, PLACE, RECEIVE, Case, Effect
from tests.crash.journal import Journal, Journals
from tests.crash.running import SAFE, UNSAFE, Plan, Report, run
from tests.crash.writers import Gate, Post, Writer


def writer(post: Post, path: Path) -> tuple[Writer, Journal]:
    journal = Journal(path)
    return Writer(post, journal, Gate(), Random(1)), journal


def lead(stall: world.Stall, someone: Writer) -> None:
    for number, (funds_model, deeds) in enumerate(JOURNEYS):
        case = Case(stall, funds_model, 5, f"B-{number}")
        assert [deed.name for deed in deeds if not someone.do(deed, case)] == []


@pytest.fixture(scope="module")
def played(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Journals]]:
    """A market in which every journey was made once, and the journal of who made them."""
    path = tmp_path_factory.mktemp("journals") / "0.jsonl"
    with clone(server_url, template, f"market_crash_{os.getpid()}") as url, closing(Database(url, threads=2)) as db:
        with db.transaction() as session:
            stall, _ = world.build(session)
        with TestClient(create_app(db)) as client:
            someone, journal = writer(client.post, path)
            lead(stall, someone)
        yield url, Journals([journal])


@pytest.fixture
def records(played: tuple[str, Journals]) -> Journals:
    return played[1]


@pytest.fixture
def owner(played: tuple[str, Journals]) -> Iterator[orm.Session]:
    """The owner of the tables, without foreign keys; rolled back."""
    with history.owned(played[0]) as engine, history.as_owner(engine) as session:
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield session


def test_of_a_market_that_has_what_was_acknowledged_nothing_is_said(owner: orm.Session, records: Journals) -> None:
    told = records.told()
    assert {deed.name for deed in DEEDS} == told.keys()
    assert compare(owner, told, {}) == Compared()
    assert complaints(owner, told) == []


LOSING = {
    "place": "DELETE FROM order_lines WHERE id = (SELECT id FROM order_lines LIMIT 1)",
    "confirm": "DELETE FROM order_changes WHERE id = (SELECT id FROM order_changes WHERE event = 'confirm' LIMIT 1)",
    "cancel": "DELETE FROM order_changes WHERE event = 'cancel'",
    "ship": "DELETE FROM order_changes WHERE id = (SELECT id FROM order_changes WHERE event = 'ship' LIMIT 1)",
    "accept": "DELETE FROM acceptances WHERE id = (SELECT id FROM acceptances LIMIT 1)",
    "receive": "DELETE FROM receipts WHERE id = (SELECT id FROM receipts WHERE bank_line_id IS NULL LIMIT 1)",
    "take back": "DELETE FROM returns WHERE id = (SELECT id FROM returns LIMIT 1)",
    "tell": "DELETE FROM bank_lines WHERE id = (SELECT id FROM bank_lines LIMIT 1)",
    "ask back": "DELETE FROM refunds",
    "approve": "DELETE FROM refund_changes WHERE event = 'approve'",
    "pay back": "DELETE FROM refund_changes WHERE event = 'succeed'",
}


@pytest.mark.parametrize("deed", [deed.name for deed in DEEDS])
def test_an_acknowledged_deed_that_is_missing_is_lost(owner: orm.Session, records: Journals, deed: str) -> None:
    history.spoil(owner, LOSING[deed])
    assert compare(owner, records.told(), {}).lost[deed] == 1


CONFIRMED_AGAIN = """
    INSERT INTO order_changes (id, order_id, event, status, changed_by, changed_at)
    SELECT gen_random_uuid(), order_id, event, status, changed_by, changed_at
      FROM order_changes WHERE event = 'confirm' LIMIT 1
"""


def test_a_deed_done_twice_is_told_unless_somebody_still_waits_for_its_answer(
    owner: orm.Session, records: Journals
) -> None:
    history.spoil(owner, CONFIRMED_AGAIN)
    assert compare(owner, records.told(), {}) == Compared(twice=Counter(confirm=1))
    assert compare(owner, records.told(), {CONFIRM.name: 1}) == Compared()


def test_two_answers_with_one_order_are_one_order_too_few(owner: orm.Session, records: Journals) -> None:
    told = records.told()
    told[PLACE.name] = [*told[PLACE.name], told[PLACE.name][0]]
    assert compare(owner, told, {}) == Compared(lost=Counter(place=1))


@pytest.mark.parametrize(
    ("deed", "drift"),
    [
        (ACCEPT, "UPDATE acceptance_lines SET accepted_fen = accepted_fen - 1"),
        (RECEIVE, "UPDATE receipt_allocations SET amount_fen = amount_fen + 1"),
    ],
)
def test_an_amount_a_fen_off_has_drifted_and_the_auditor_says_so_too(
    owner: orm.Session, records: Journals, deed: Any, drift: str
) -> None:
    table = drift.split()[1]
    history.spoil(owner, f"{drift} WHERE id = (SELECT min(id::text)::uuid FROM {table})")
    assert compare(owner, records.told(), {}).drifted == Counter({deed.name: 1})
    assert complaints(owner, records.told())


def test_money_on_an_order_of_which_nobody_was_told_is_no_money(owner: orm.Session, records: Journals) -> None:
    told = records.told()
    told[RECEIVE.name] = [Effect(effect.subject, effect.fen - 1) for effect in told[RECEIVE.name]]
    assert [line for line in complaints(owner, told) if "acknowledged as paid" in line]


def test_what_was_not_answered_is_asked_again_with_its_key_and_done_once(
    client: TestClient, session: orm.Session, tmp_path: Path
) -> None:
    lost: list[httpx2.Response] = []

    def post(*args: Any, **keywords: Any) -> httpx2.Response:
        answer = client.post(*args, **keywords)
        if not lost:
            lost.append(answer)
            raise httpx2.ReadError("the connection was cut")
        return answer

    stall, _ = world.build(session)
    someone, journal = writer(post, tmp_path / "0.jsonl")
    lead(stall, someone)
    records = Journals([journal])
    assert (lost[0].status_code, someone.hits, someone.unanswered) == (201, 1, Counter(ReadError=1))
    assert compare(session, records.told(), records.unanswered()) == Compared()


def test_a_journal_holds_what_was_asked_before_it_was_answered(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "0.jsonl")
    journal.ask("k1", "place", "/order-groups", b"{}")
    journal.ask("k2", "ship", "/orders/1/shipment", b"")
    records = Journals([journal])
    assert records.unanswered() == Counter(place=1, ship=1)
    journal.acknowledge("k1", Effect("1", 990))
    journal.refuse("k2", "409 transition")
    assert Journals([Journal(tmp_path / "0.jsonl")]).told() == {"place": [Effect("1", 990)]}
    records.reread()
    assert (records.unanswered(), records.refused()) == (Counter(), Counter({"ship: 409 transition": 1}))


BREACHES: Sequence[Callable[[], Report]] = (
    lambda: Report(first_breach=3),
    lambda: Report(compared=Compared(lost=Counter(place=1))),
    lambda: Report(compared=Compared(twice=Counter(place=1))),
    lambda: Report(compared=Compared(drifted=Counter(place=1))),
    lambda: Report(refused=Counter({"ship: 409 transition": 1})),
    lambda: Report(complaints=["the doctor's"]),
)


def test_a_report_is_sound_only_if_nothing_is_wrong() -> None:
    assert lines(Report())[-1] == "SOUND"
    assert [lines(breach())[-1] for breach in BREACHES] == ["LOST, DOUBLED OR DRIFTED: see above"] * len(BREACHES)


@pytest.mark.soak
def test_servers_that_are_killed_lose_nothing(tmp_path: Path) -> None:
    report = run(Plan(tmp_path, cycles=12, seed=2, settings=SAFE), lambda _: None)
    assert report.sound, lines(report)
    assert len(report.kills) == 3
    assert report.acknowledged


@pytest.mark.soak
def test_a_postgresql_that_answers_before_it_writes_is_seen_to_lose(tmp_path: Path) -> None:
    report = run(Plan(tmp_path, cycles=12, seed=2, settings=UNSAFE), lambda _: None)
    assert report.compared.lost
    assert not report.sound
