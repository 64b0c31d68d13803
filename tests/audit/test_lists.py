"""A list that was touched after its posting is named, whatever of it was; one that was not is sound."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution.rules import Step
from market.audit.doctoring import examine
from market.audit.rules import Difference, Finding
from market.audit.verifying import verify
from market.benefits.holdings import Entitlement, Holding, Source
from market.benefits.rules import Mechanism
from market.db import Database
from market.distributions import giving_on
from market.distributions.listing import Dividend, Profit
from tests import factories
from tests.audit import history
from tests.audit.history import spoil, without
from tests.benefits.test_formulas import leye
from tests.conftest import clone
from tests.distributions.season import AFTER, NOW, Season
from tests.story import open_channels

POOLS = [(mechanism, 1_000, None) for mechanism in (Mechanism.PATRONAGE, Mechanism.SHARE_DIVIDEND, Mechanism.CUSTODY)]

AVERAGED = '{"averages_grants": true}'


def settle(session: orm.Session) -> None:
    """Check what is checked at the end of a transaction now, so that guards can be taken off."""
    session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))


@dataclass
class Year:
    """A year shared out by volume, by shares, by land and by entrusted capital; and what the village gave on."""

    session: orm.Session
    sources: dict[str, str]
    households: list[UUID]

    def verify(self) -> list[Finding]:
        """Return what the auditor finds, having seen that it can be read in both languages."""
        found = list(verify(self.session).findings)
        assert all(finding.line("en") != finding.line("zh") for finding in found)
        return found


def share_out(session: orm.Session) -> Year:
    open_channels(session)
    season = Season(session, pools=POOLS, collective_bp=1_000)
    first, second = season.story.household(), season.story.household()
    season.deliver({first.id: 75, second.id: 25})
    season.sell("40", "60")
    holdings = (
        Holding(str(first.id), own_fen=1, grant_fen=300_00, area_milli_mu=500, mode="base"),
        Holding(str(second.id), own_fen=100_00, grant_fen=1, area_milli_mu=500, mode="base_own_tending"),
    )
    shares = season.shares(*holdings, scheme=replace(leye(), capital=None))
    entitlement = Entitlement(str(first.id), 1_000_00, 660, 600, 60, str(season.collective.id))
    made = {
        "patronage": season.share_out(season.patronage(80_00)).id,
        "dividend": season.share_out(Dividend(shares.id, 70_00, tuple(Source), averages_grants=True)).id,
        "profit": season.share_out(Profit(shares.id, 100_00)).id,
        "custody": season.share_out(season.custody(entitlement)).id,
    }
    season.pay_collective(100_00)
    given = season.give_on(60_00, {first.id: 2, second.id: 1})
    sources = {name: f"distribution:{id_}" for name, id_ in made.items()}
    sources["given on"] = f"second_distribution:{given.id}"
    return Year(session, sources, [first.id, second.id])


@pytest.fixture(scope="module")
def shared_out(server_url: str, template: str) -> Iterator[tuple[Year, sa.Engine]]:
    """A private database in which a year was shared out, with its owner's connections."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    with clone(server_url, template, f"market_lists_{worker}_{os.getpid()}") as url:
        with closing(Database(url, threads=1)) as database, database.transaction() as session:
            year = share_out(session)
        with history.owned(url) as engine:
            yield year, engine


@pytest.fixture
def year(shared_out: tuple[Year, sa.Engine]) -> Iterator[Year]:
    year, engine = shared_out
    with history.as_owner(engine) as session:
        yield replace(year, session=session)


def test_lists_that_nobody_touched_are_sound(year: Year) -> None:
    assert year.verify() == []


@pytest.mark.parametrize("which", ["patronage", "dividend", "profit", "custody", "given on"])
def test_a_fen_taken_from_a_posted_list_is_named_with_whose_it_is(year: Year, which: str) -> None:
    source = year.sources[which]
    table = "second_distribution_items" if which == "given on" else "distribution_items"
    whose = f"distribution_id = '{source.partition(':')[2]}' AND household_id = '{year.households[0]}'"
    fen = year.session.scalar(sa.text(f"SELECT fen FROM {table} WHERE {whose}"))
    spoil(year.session, f"UPDATE {table} SET fen = fen - 1 WHERE {whose}")
    named = [finding for finding in year.verify() if finding.difference is Difference.LIST]
    assert {finding.source for finding in named} == {source}
    (row,) = [finding for finding in named if finding.owner_id]
    assert (row.owner_id, row.expected_fen, row.found_fen) == (year.households[0], fen, fen - 1)
    assert len(named) == 2, "its hash differs too"


@pytest.mark.parametrize(
    ("which", "statement"),
    [
        ("patronage", "UPDATE distributions SET list_sha256 = repeat('0', 64) WHERE id = '{id}'"),
        ("patronage", "UPDATE distributions SET inputs = inputs || '{{\"surplus_fen\": 9000}}' WHERE id = '{id}'"),
        ("patronage", "UPDATE contributions SET measure_milli = measure_milli + 1000 WHERE household_id = '{first}'"),
        ("patronage", "UPDATE contributions SET measured_in = 'piece' WHERE household_id = '{first}'"),
        ("patronage", "UPDATE distribution_items SET excluded = 'off_register' WHERE distribution_id = '{id}'"),
        ("dividend", "UPDATE distributions SET inputs = inputs || '{{\"averages_grants\": false}}' WHERE id = '{id}'"),
        ("dividend", "UPDATE distributions SET inputs = inputs || '{{\"sources\": [\"own\"]}}' WHERE id = '{id}'"),
        ("dividend", "UPDATE distribution_items SET assisted = NOT assisted WHERE distribution_id = '{id}'"),
        ("profit", "UPDATE distributions SET inputs = inputs || '{{\"profit_fen_per_mu\": 9999}}' WHERE id = '{id}'"),
        ("profit", "UPDATE distributions SET period_from = '2019-01-01' WHERE id = '{id}'"),
        ("profit", "DELETE FROM distribution_items WHERE distribution_id = '{id}' AND household_id = '{first}'"),
        ("custody", "UPDATE distributions SET inputs = inputs || '{{\"months\": 11}}' WHERE id = '{id}'"),
        ("custody", "DELETE FROM distribution_items WHERE distribution_id = '{id}' AND collective_id IS NOT NULL"),
        ("given on", "UPDATE second_distributions SET register_sha256 = repeat('0', 64) WHERE id = '{id}'"),
        ("given on", "UPDATE second_distributions SET amount_fen = amount_fen + 1 WHERE id = '{id}'"),
    ],
)
def test_a_list_that_does_not_follow_from_what_is_on_record_is_named(year: Year, which: str, statement: str) -> None:
    source = year.sources[which]
    spoil(year.session, statement.format(id=source.partition(":")[2], first=year.households[0]))
    named = {finding.source for finding in year.verify() if finding.difference is Difference.LIST}
    assert named == {source}


def test_a_dividend_that_is_not_all_that_a_return_by_volume_left_is_named(year: Year) -> None:
    session, source = year.session, year.sources["dividend"]
    dividend, returned = (year.sources[name].partition(":")[2] for name in ("dividend", "patronage"))
    spoil(session, f"UPDATE distributions SET remainder_of = '{returned}' WHERE id = '{dividend}'")
    (symptom,) = examine(session)
    assert (symptom.invariant, symptom.subject) == ("remainder_is_shared_whole", f"distribution {dividend}")
    assert {finding.source for finding in year.verify()} == {source}, "its entry says nothing of a remainder"


def test_a_remainder_shared_by_own_capital_alone_with_nothing_to_average_is_named(year: Year) -> None:
    season, session = Season(year.session, pools=POOLS), year.session
    first, second = season.story.household().id, season.story.household().id
    season.deliver({first: 50, second: 50})
    season.sell("100")
    returned = season.share_out(season.patronage(100_00, by_volume_bp=6_000))
    shares = season.shares(Holding(str(first), own_fen=2), Holding(str(second), own_fen=1, grant_fen=2))
    by_own = Dividend(shares.id, 40_00, (Source.OWN,), remainder_of=returned.id)
    dividend = season.propose(by_own)
    settle(session)
    spoil(session, f"UPDATE distributions SET inputs = inputs || '{AVERAGED}' WHERE id = '{dividend.id}'")
    session.expire_all()
    season.approve(dividend)
    named = {(each.difference, each.owner_id, each.expected_fen, each.found_fen) for each in year.verify()}
    assert named == {(Difference.LIST, first, 24_00, 26_67), (Difference.LIST, second, 16_00, 13_33)}


def test_entrusted_capital_that_earned_more_months_than_its_period_has_is_named(year: Year) -> None:
    session, source = year.session, year.sources["custody"]
    without(session, "distributions", "distributions_months_are_of_the_period")
    id_ = source.partition(":")[2]
    spoil(session, f"UPDATE distributions SET period_from = '2026-02-02' WHERE id = '{id_}'")
    named = [finding for finding in year.verify() if finding.difference is Difference.LIST]
    assert {finding.source for finding in named} == {source}
    assert {finding.expected_fen for finding in named} == {0}


def rewrite(session: orm.Session, old: str, new: str) -> None:
    """Rewrite what registers say, with their hashes."""
    spoil(
        session,
        f"""
        WITH rewritten AS (
          SELECT id, convert_to(replace(convert_from(canonical, 'UTF8'), '{old}', '{new}'), 'UTF8')
                 AS canonical FROM register_versions)
        UPDATE register_versions v
           SET canonical = r.canonical, sha256 = encode(sha256(r.canonical), 'hex'),
               body = convert_from(r.canonical, 'UTF8')::jsonb
          FROM rewritten r WHERE r.id = v.id AND r.canonical <> v.canonical
        """,
    )


def test_a_share_register_rewritten_with_its_hash_is_named_by_the_lists_that_pin_the_old_one(year: Year) -> None:
    rewrite(year.session, '"own_fen":1}', '"own_fen":9}')
    named = [finding for finding in year.verify() if finding.difference is Difference.LIST]
    assert {finding.source for finding in named} == {year.sources["dividend"], year.sources["profit"]}
    assert all(finding.detail for finding in named if not finding.owner_id), "the hash that was pinned"


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ('"household_bp":5000', '"household_bp":4990', [0]),
        ('"household_bp":9420', '"household_bp":9430', [0]),
        ('"household_bp":5000', '"household_bp":5100', [25_50]),
        ('"years":15', '"years":6', [0, 0]),
        ('"first_year":2020', '"first_year":2027', [0, 0]),
        ('"mode":"base"', '"mode":"none"', [0]),
    ],
)
def test_a_profit_outside_the_bounds_or_the_years_of_its_scheme_is_due_to_nobody_even_where_every_hash_agrees(
    year: Year, old: str, new: str, expected: list[int]
) -> None:
    session, source = year.session, year.sources["profit"]
    rewrite(session, old, new)
    spoil(
        session,
        "UPDATE distributions d SET register_sha256 = v.sha256 FROM register_versions v"
        f" WHERE v.id = d.register_version_id AND d.id = '{source.partition(':')[2]}'",
    )
    named = [finding for finding in year.verify() if finding.difference is Difference.LIST and finding.source == source]
    assert [finding.expected_fen for finding in named] == expected


def test_what_a_posted_list_paid_is_named_when_it_is_altered(year: Year) -> None:
    source = year.sources["dividend"]
    transfer = f"""
        (SELECT t.id FROM ledger_transfers t JOIN ledger_entries e ON e.id = t.entry_id
           JOIN ledger_accounts a ON a.id = t.credit_account_id AND a.kind = 'household'
          WHERE e.source = '{source}' ORDER BY t.id LIMIT 1)
    """
    spoil(year.session, f"UPDATE ledger_transfers SET amount_fen = amount_fen + 1 WHERE id = {transfer}")
    assert (Difference.AMOUNT, source) in {(finding.difference, finding.source) for finding in year.verify()}


def collective(session: orm.Session) -> Season:
    """Return a village that gets 20 of every 100 yuan."""
    season = Season(session, pools=(), collective_bp=2_000)
    season.story.lot(1_000_000)
    return season


def test_a_confirmation_of_what_had_come_back_is_not_missed_when_more_is_given_on(year: Year) -> None:
    season = collective(year.session)
    household = factories.household(year.session)
    order = season.sell("10")
    season.pay_collective(20_00)
    given = season.give_on(1, {household.id: 1})
    season.story.give_back(order, "9", on=AFTER)
    assert season.of([order], household.id, Mechanism.COLLECTIVE_DIVIDEND) == {}
    giving_on.confirm(year.session, season.village, distribution_id=given.id, on=AFTER, now=NOW)
    season.give_on(1_00, {household.id: 1})
    assert season.of([order], household.id, Mechanism.COLLECTIVE_DIVIDEND) == {Step.DISBURSED: 1_00}
    assert year.verify() == []


@pytest.mark.parametrize("first_confirmed", [True, False])
def test_a_confirmation_of_a_second_distribution_that_the_book_lacks_is_named(
    year: Year, *, first_confirmed: bool
) -> None:
    season = collective(year.session)
    household = factories.household(year.session)
    season.sell("10")
    season.pay_collective(20_00)
    first, second = season.give_on(3_00, {household.id: 1}), season.give_on(5_00, {household.id: 1})
    lacking, posted = (second, first) if first_confirmed else (first, second)
    giving_on.confirm(year.session, season.village, distribution_id=posted.id, on=AFTER, now=NOW)
    settle(year.session)
    spoil(
        year.session,
        "UPDATE second_distributions SET confirmed_at = now(), confirmed_by = (SELECT id FROM members"
        f" WHERE id <> made_by LIMIT 1) WHERE id = '{lacking.id}'",
    )
    (finding,) = year.verify()
    assert (finding.difference, finding.source) == (Difference.MISSING, f"second_confirmation:{lacking.id}")
    assert (finding.owner_id, finding.expected_fen) == (household.id, lacking.amount_fen)
