"""A year conserves every fen: by line, order, lot, household, cooperative, collective and month."""

import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from types import ModuleType

import psycopg
import pytest

from market.attribution import recognition, reversal, rules
from market.attribution.rules import Kind, Share, Standing
from market.audit.doctoring import examine
from market.audit.rules import Finding, Symptom
from market.audit.verifying import verify
from market.benefits.rules import Mechanism
from market.db import Database, without_hurry
from tests import schema
from tests.conftest import clone
from tests.year import splitting
from tests.year.oracle import breaches
from tests.year.paying import Payee, Paying
from tests.year.playing import Year, play
from tests.year.standing import Place
from tests.year.world import Size

SMALL = Size(suppliers=2, households_each=48, orders=60, returns_percent=30)
TINY = Size(suppliers=1, households_each=24, orders=15, returns_percent=100, parts_percent=100, last=date(2025, 4, 30))
WHOLE = Size(suppliers=10, households_each=500, orders=20_000)

CORRECTIONS = ("returns of closed months", "payments of closed months undone")
OCCASIONS = ("lots made of lots", "distributions", "second distributions")

Tell = Callable[[str, object], None]


@pytest.fixture(scope="module")
def small(server_url: str, template: str) -> Iterator[tuple[Year, str]]:
    with clone(server_url, template, f"market_small_year_{os.getpid()}") as url:
        database = Database(url, threads=2)
        yield play(database, SMALL), url
        database.close()


def found(year: Year, url: str, *, spoil: str | None = None) -> list[str]:
    """Return what the oracle says of a year, perhaps after its book was spoiled; nothing of that stays."""
    with psycopg.connect(schema.plain(url)) as connection:
        if spoil is not None:
            connection.execute("SET session_replication_role = replica")
            for table in TABLES:
                connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER ALL")
            connection.execute(spoil)
        said = [each for cooperative in year.world.cooperatives for each in breaches(connection, cooperative.id)]
        connection.rollback()
    return said


def examined(db: Database) -> list[Symptom | Finding]:
    """Return what the doctor and the auditor say; each in a transaction of its own, as both look at one moment."""
    with db.transaction() as session:
        without_hurry(session)
        symptoms = examine(session)
    with db.transaction() as session:
        without_hurry(session)
        return [*symptoms, *verify(session).findings]


def test_a_small_year_is_conserved_at_every_level(small: tuple[Year, str]) -> None:
    year, url = small

    assert found(year, url) == []

    assert year.done["orders"] == SMALL.orders
    assert min(year.done[deed] for deed in (*CORRECTIONS, *OCCASIONS, "months closed", "confirmations", "invoices")) > 0
    assert examined(year.db) == []


def test_a_small_year_plays_all_mechanisms_and_fills_every_kind_of_account(small: tuple[Year, str]) -> None:
    _, url = small

    with psycopg.connect(schema.plain(url)) as connection:
        brought = connection.execute("SELECT DISTINCT mechanism FROM ledger_transfers WHERE mechanism IS NOT NULL")
        mechanisms = {row[0] for row in brought}
        kinds = {row[0] for row in connection.execute("SELECT kind FROM ledger_accounts WHERE book = 'attribution'")}

    assert mechanisms == set(Mechanism)
    assert kinds == set(Kind) - {Kind.SUSPENSE}


def test_the_oracle_knows_neither_the_markets_arithmetic_nor_what_it_posted() -> None:
    reckoning = ("splitting", "standing", "facts", "paying", "reckoning", "sharing", "oracle")
    sources = {name: Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8") for name in reckoning}
    posted = ("ledger_accounts", "ledger_entries", "ledger_transfers", "ledger_balances", "release_carries")

    assert [name for name, source in sources.items() if "from market" in source or "import market" in source] == []
    assert [name for name in sources if name != "oracle" and any(table in sources[name] for table in posted)] == []


TABLES = ("ledger_transfers", "ledger_balances", "contributions", "release_carries", "order_lines")
ONE = "WITH one AS (SELECT entry_id, position FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id"
LARGE = "AND t.amount_fen > 9 ORDER BY t.effective_on DESC, t.id LIMIT 1)"
POOLED = f"{ONE} WHERE e.reason = 'accrual' AND t.mechanism = 'share_dividend' {LARGE}"
RELEASED = f"{ONE} WHERE e.reason = 'accrual' AND t.contribution_id IS NOT NULL {LARGE}"
PAID = f"{ONE} WHERE e.reason = 'disbursement' AND t.order_line_id IS NOT NULL {LARGE}"
GIVEN_ON = f"{ONE} WHERE e.reason = 'second_distribution' {LARGE}"
RETURNED = "UPDATE order_lines SET returned_milli = 0"
OF_ONE = "WHERE (entry_id, position) IN (SELECT * FROM one)"
NEIGHBOURS = """
WITH pooled AS (
    SELECT entry_id, position, row_number() OVER (PARTITION BY entry_id ORDER BY amount_fen DESC) AS place
      FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id
     WHERE e.reason = 'accrual' AND t.mechanism = 'share_dividend')
UPDATE ledger_transfers t SET amount_fen = amount_fen + CASE p.place WHEN 1 THEN -1 ELSE 1 END
  FROM pooled p WHERE (p.entry_id, p.position) = (t.entry_id, t.position) AND p.place <= 2
"""
CARRIED = "UPDATE contributions SET amount_fen = amount_fen + 1 WHERE carried_from IS NOT NULL AND amount_fen > 0"
SNAPSHOT = "UPDATE ledger_balances b SET balance_fen = balance_fen + 1"
OF_HOUSEHOLDS = "FROM ledger_accounts a WHERE a.id = b.account_id AND a.kind = 'household'"
OF_JANUARY = "WHERE b.month = (SELECT min(month) FROM ledger_periods)"


@pytest.mark.parametrize(
    ("spoil", "level"),
    [
        (f"{POOLED} UPDATE ledger_transfers SET amount_fen = amount_fen + 1 {OF_ONE}", "lines brought"),
        (NEIGHBOURS, "household"),
        (f"{RELEASED} DELETE FROM ledger_transfers {OF_ONE}", "contribution"),
        (f"{PAID} UPDATE ledger_transfers SET amount_fen = amount_fen - 7 {OF_ONE}", "received"),
        (f"{PAID} UPDATE ledger_transfers SET effective_on = DATE '2025-01-01' {OF_ONE}", "end of"),
        (f"{GIVEN_ON} UPDATE ledger_transfers SET amount_fen = amount_fen - 1 {OF_ONE}", "collective_dividend"),
        (RETURNED, "are left"),
        (CARRIED, "took contributions"),
        ("UPDATE release_carries SET fen = fen - 1", "is to carry"),
        (SNAPSHOT, "snapshot"),
        (f"{SNAPSHOT} {OF_HOUSEHOLDS}", "snapshot"),
        (f"{SNAPSHOT} {OF_JANUARY}", "snapshot"),
    ],
    ids=[
        "a fen too many",
        "a fen of one household with another",
        "a lost release",
        "a payment short",
        "paid before it was owed",
        "a fen less given on",
        "another return",
        "a fen too many gone along",
        "another carry",
        "a snapshot",
        "the households' snapshots",
        "the first month's snapshots",
    ],
)
def test_a_spoiled_year_is_seen(small: tuple[Year, str], spoil: str, level: str) -> None:
    year, url = small

    assert any(level in said for said in found(year, url, spoil=spoil))


def fall_on_the_first(standings: Sequence[Standing], amount_fen: int, *, salt: str) -> list[Standing]:
    """Take what falls of a pool off its first payees."""
    falls = rules.fall(standings, amount_fen, salt=salt)
    pooled = [each for each in falls if each.share.kind is Kind.HOUSEHOLD and each.share.contribution_id is None]
    first = [each for each in standings if any(each.share == fallen.share for fallen in pooled)]
    left, taken = sum(each.fen for each in pooled), [each for each in falls if each not in pooled]
    for standing in first:
        part = min(left, standing.fen)
        left -= part
        taken += [standing._replace(fen=part)] * (part > 0)
    return taken


def climb_for_the_first(accrued: Sequence[tuple[Share, int]], amount_fen: int, *, salt: str) -> list[tuple[Share, int]]:
    """Recognise a part payment for the first shares, as many as there would be."""
    left = amount_fen
    climbed = []
    for share, fen in accrued[: len(rules.climb(accrued, amount_fen, salt=salt))]:
        climbed.append((share, min(left, fen)))
        left -= climbed[-1][1]
    return [each for each in climbed if each[1]]


@pytest.mark.parametrize(
    ("where", "name", "otherwise"),
    [
        (reversal, "fall", rules.fall),
        (reversal, "fall", fall_on_the_first),
        (recognition, "climb", climb_for_the_first),
    ],
    ids=["by the rules", "returns fall on the first", "part payments are the first's"],
)
def test_a_year_by_other_rules_is_seen(  # noqa: PLR0917 - what is done otherwise, and where
    server_url: str, template: str, monkeypatch: pytest.MonkeyPatch, where: ModuleType, name: str, otherwise: object
) -> None:
    """Only the year by the rules is not."""
    monkeypatch.setattr(where, name, otherwise)
    with clone(server_url, template, f"market_other_year_{os.getpid()}") as url:
        database = Database(url, threads=2)
        try:
            said = found(play(database, TINY), url)
        finally:
            database.close()

    assert any(each.startswith("household ") and "instead of" in each for each in said) == (otherwise is not rules.fall)


def favour_the_same(_: str, key: str) -> bytes:
    return key.encode()


def newest_first(paying: Paying, payee: Payee, steps: Sequence[str]) -> list[tuple[Place, int]]:
    return sorted(
        paying.standing.of_owner(*payee, *steps), key=lambda each: paying.standing.first(each[0]), reverse=True
    )


@pytest.mark.parametrize(
    ("where", "name", "otherwise"),
    [(splitting, "by_hash", favour_the_same), (Paying, "_in_turn", newest_first)],
    ids=["ties favour the same", "the newest is paid"],
)
def test_a_reckoning_by_other_rules_is_not_that_of_the_year(
    small: tuple[Year, str], monkeypatch: pytest.MonkeyPatch, where: object, name: str, otherwise: object
) -> None:
    monkeypatch.setattr(where, name, otherwise)

    assert any(each.startswith("household ") and "instead of" in each for each in found(*small))


@pytest.mark.soak
def test_a_year_of_twenty_thousand_orders_over_five_thousand_households_is_conserved(
    committed_db: Database, record_property: Tell
) -> None:
    year = play(committed_db, WHOLE)

    assert found(year, str(committed_db.engine.url.render_as_string(hide_password=False))) == []
    assert examined(committed_db) == []
    record_property("figures", f"year: {', '.join(f'{name} {times}' for name, times in year.done.most_common())}")
