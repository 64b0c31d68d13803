"""The harness can fail: it tells of each acknowledged deed that is missing, double, or a fen off, and of real loss."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import httpx2
import pytest
import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.app import create_app
from market.clock import utc_now
from market.db import Database
from market.payments.tasks import provider_tasks
from market.worker import run_due
from tests.audit import history
from tests.conftest import clone
from tests.crash import world
from tests.crash.__main__ import lines
from tests.crash.asking import Case, Effect
from tests.crash.checking import Compared, compare, complaints
from tests.crash.deeds import ACCEPT, CONFIRM, PLACE, RECEIVE
from tests.crash.journal import Journal, Journals
from tests.crash.journeys import DEEDS, JOURNEYS
from tests.crash.online import CAPTURED, PAY, SENT_BACK
from tests.crash.provider import Provider
from tests.crash.reckoning import our_id, reckon
from tests.crash.running import FORGETFUL, SAFE, UNSAFE, Plan, Report, run
from tests.crash.settling import DRAFT
from tests.crash.writers import Gate, Outcome, Send, Ways, Writer
from tests.stripe_emulator.scenes import pay
from tests.stripe_emulator.server import running


class Play(NamedTuple):
    """A market in which every journey was made once, the journal of who made them, and the provider."""

    url: str
    records: Journals
    provider: Provider


def writer(ways: Ways, path: Path) -> tuple[Writer, Journal]:
    journal = Journal(path)
    return Writer(ways, journal, Gate(), Random(1)), journal


class Inside(NamedTuple):
    """A market in this process: its stall, how it and the provider are asked, and what a worker does."""

    stall: world.Stall
    ask: Send
    pay: Send
    work: Callable[[], object]


def lead(market: Inside, someone: Writer) -> None:
    """Make every journey; whoever waits for the provider's news has a worker look for them."""
    for number, (funds_model, deeds) in enumerate(JOURNEYS):
        case = Case(market.stall, funds_model, 5, f"B-{number}")
        for deed in deeds:
            while (outcome := someone.do(deed, case)) is Outcome.NOT_YET:
                market.work()
            assert outcome is Outcome.DONE, deed.name


@contextmanager
def emulated() -> Iterator[Provider]:
    with running() as emulator:
        yield Provider(emulator.url, emulator.key, emulator.webhook_secret)


@contextmanager
def playing(db: Database, provider: Provider) -> Iterator[Inside]:
    stalls = world.build(db, provider, writers=1)
    with (
        provider.gateway() as gateway,
        TestClient(create_app(db, gateway=gateway)) as client,
        httpx2.Client(base_url=provider.url, trust_env=False) as payer,
    ):
        more = provider_tasks(gateway, sweep_every=timedelta())
        yield Inside(stalls.own[0], client.request, payer.request, lambda: run_due(db, utc_now(), more))


@pytest.fixture(scope="module")
def played(server_url: str, template: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    path = tmp_path_factory.mktemp("journals") / "0.jsonl"
    name = f"market_crash_{os.getpid()}"
    with clone(server_url, template, name) as url, closing(Database(url, threads=2)) as db, emulated() as provider:
        with playing(db, provider) as market:
            someone, journal = writer(Ways(market.ask, market.pay), path)
            lead(market, someone)
            market.work()
        yield Play(url, Journals([journal]), provider)


@pytest.fixture
def records(played: Play) -> Journals:
    return played.records


@pytest.fixture
def owner(played: Play) -> Iterator[orm.Session]:
    """The owner of the tables, without foreign keys; rolled back."""
    with history.owned(played.url) as engine, history.as_owner(engine) as session:
        session.execute(sa.text("SET LOCAL session_replication_role = replica"))
        yield session


def test_of_a_market_that_has_what_was_acknowledged_nothing_is_said(owner: orm.Session, played: Play) -> None:
    told = played.records.told()
    assert {deed.name for deed in DEEDS} == told.keys()
    assert compare(owner, told, {}) == Compared()
    assert complaints(owner, told) == []
    reckoned = reckon(owner, played.provider)
    assert reckoned.complaints == []
    assert reckoned.moved == Counter(charge=4, refund=2, transfer=1)
    assert reckoned.there_fen == reckoned.booked_fen != 0


LOSING = {
    "place": ("order_lines", "true"),
    "confirm": ("order_changes", "event = 'confirm'"),
    "cancel": ("order_changes", "event = 'cancel'"),
    "ship": ("order_changes", "event = 'ship'"),
    "accept": ("acceptances", "true"),
    "receive": ("receipts", "bank_line_id IS NULL"),
    "take back": ("returns", "true"),
    "tell": ("bank_lines", "statement_id IS NOT NULL AND amount_fen > 0"),
    "ask back": ("refunds", "true"),
    "approve": ("refund_changes", "event = 'approve'"),
    "pay back": ("refund_changes", "event = 'succeed' AND changed_by IS NOT NULL"),
    "begin": ("online_payments", "true"),
    "opened": ("online_payments", "provider_id IS NOT NULL"),
    "pay": ("online_payments", "id NOT IN (SELECT subject_id FROM provider_calls WHERE operation = 'confirm_payment')"),
    "pay here": ("provider_calls", "operation = 'confirm_payment'"),
    "captured": ("receipts", "bank_line_id IN (SELECT bank_line_id FROM online_payments)"),
    "sent back": ("refund_changes", "event = 'succeed' AND changed_by IS NULL"),
    "draft": ("settlements", "true"),
    "agree": ("settlement_changes", "event = 'approve'"),
    "instruct": ("settlement_changes", "event = 'instruct'"),
    "leave": ("bank_lines", "statement_id IS NOT NULL AND amount_fen < 0"),
    "settle": ("settlement_changes", "event = 'confirm' AND changed_by IS NOT NULL"),
    "transferred": ("settlement_changes", "event = 'confirm' AND changed_by IS NULL"),
}
"""Of which a row is the word that a deed was done."""


@pytest.mark.parametrize("deed", [deed.name for deed in DEEDS])
def test_an_acknowledged_deed_that_is_missing_is_lost(owner: orm.Session, played: Play, deed: str) -> None:
    table, word = LOSING[deed]
    history.spoil(owner, f"DELETE FROM {table} WHERE id = (SELECT id FROM {table} WHERE {word} LIMIT 1)")
    assert compare(owner, played.records.told(), {}).lost[deed] == 1


def test_what_the_provider_has_done_is_not_missed_before_the_market_has_come_to_rest(
    owner: orm.Session, records: Journals
) -> None:
    table, word = LOSING[PAY.name]
    history.spoil(owner, f"UPDATE {table} SET status = 'processing', bank_line_id = NULL WHERE {word}")
    assert compare(owner, records.told(), {}).lost == Counter({PAY.name: 2, CAPTURED.name: 2})
    assert compare(owner, records.told(), {}, at_rest=False).lost == Counter({CAPTURED.name: 2})


SENT_BACK_AGAIN = """
    INSERT INTO refund_changes (id, refund_id, event, status, away_fen, counts_on, changed_at)
    SELECT gen_random_uuid(), refund_id, event, status, away_fen, counts_on, changed_at
      FROM refund_changes WHERE event = 'succeed' AND changed_by IS NULL LIMIT 1
"""


def test_what_nobody_has_looked_at_yet_may_be_there_and_be_there_once(owner: orm.Session, records: Journals) -> None:
    told = records.told()
    told[SENT_BACK.name] = []
    assert compare(owner, told, {}) == Compared()
    history.spoil(owner, SENT_BACK_AGAIN)
    assert compare(owner, told, {}) == Compared(twice=Counter({SENT_BACK.name: 1}))


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
    db: Database, session: orm.Session, tmp_path: Path
) -> None:
    lost: list[httpx2.Response] = []
    with emulated() as provider, playing(db, provider) as market:

        def send(*args: Any, **keywords: Any) -> httpx2.Response:
            answer = market.ask(*args, **keywords)
            if not lost:
                lost.append(answer)
                raise httpx2.ReadError("the connection was cut")
            return answer

        someone, journal = writer(Ways(send, market.pay), tmp_path / "0.jsonl")
        lead(market, someone)
    records = Journals([journal])
    assert (lost[0].status_code, someone.hits, someone.unanswered) == (201, 1, Counter(ReadError=1))
    assert compare(session, records.told(), records.unanswered()) == Compared()


def test_what_the_provider_does_twice_is_told_each_and_as_drift(
    db: Database, session: orm.Session, tmp_path: Path
) -> None:
    with emulated() as provider, playing(db, provider) as market:
        someone, _ = writer(Ways(market.ask, market.pay), tmp_path / "0.jsonl")
        lead(market, someone)
        market.work()
        there_fen = reckon(session, provider).there_fen
        doubled = do_again(provider)
        reckoned = reckon(session, provider)
    drift = f"drift: {reckoned.there_fen} fen are at the provider, and {there_fen} in the book"
    assert {*doubled, drift} <= set(reckoned.complaints)
    assert len([line for line in reckoned.complaints if "moved at the provider, and is no line" in line]) == 3
    assert len(reckoned.complaints) == len(doubled) + 4


def do_again(provider: Provider) -> list[str]:
    """Have the provider charge, refund and transfer again what it did already; return what is to be said of that."""
    with provider.client() as client:
        intent, refund = client.v1.payment_intents.list().data[0], client.v1.refunds.list().data[-1]
        (transfer,) = client.v1.transfers.list().data
        ours = [{"market_id": our_id(each)} for each in (intent, refund, transfer)]
        group, to = str(intent.transfer_group), str(transfer.destination)
        again = pay(client, group=group)
        client.v1.payment_intents.update(again.id, {"metadata": ours[0]})
        client.v1.refunds.create({"charge": str(refund.charge), "amount": 1, "metadata": ours[1]})
        client.v1.transfers.create({"amount": 1, "currency": "cny", "destination": to, "metadata": ours[2]})
    kinds = ("payments for online payment", "refunds for refund", "transfers for settlement")
    told = [f"2 {kind} {our['market_id']}" for kind, our in zip(kinds, ours, strict=True)]
    return [f"2 charges for order group {group}", *told]


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
    assert report.acknowledged.keys() >= {PLACE.name, PAY.name, DRAFT.name}
    assert report.moved["charge"]


@pytest.mark.soak
def test_a_postgresql_that_answers_before_it_writes_is_seen_to_lose(tmp_path: Path) -> None:
    report = run(Plan(tmp_path, cycles=12, seed=2, settings=UNSAFE), lambda _: None)
    assert report.compared.lost
    assert not report.sound


@pytest.mark.soak
def test_a_provider_that_forgets_its_keys_is_seen_to_double(tmp_path: Path) -> None:
    report = run(Plan(tmp_path, cycles=30, seed=2, settings=SAFE, provider=FORGETFUL), lambda _: None)
    assert [line for line in report.complaints if line.startswith("2 ")]
    assert not report.sound
