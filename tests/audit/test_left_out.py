"""Who gets nothing of a list, as not enrolled or as the lot it delivered to is left out, follows from the facts too."""

import os
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.audit.rules import Difference
from market.audit.verifying import verify
from market.db import Database
from market.distributions import collective_queries, queries
from market.distributions.models import Distribution
from market.distributions.rules import list_sha256
from market.households.models import Household
from market.identity.rules import Role
from market.lots import opening
from market.lots.models import Lot
from market.lots.rules import LotStatus
from tests import factories
from tests.audit import history
from tests.audit.history import spoil
from tests.conftest import clone
from tests.distributions.season import NOW, Season
from tests.story import open_channels


@pytest.fixture(scope="module")
def engine(server_url: str, template: str) -> Iterator[sa.Engine]:
    """A private database with open channels, with its owner's connections."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    with clone(server_url, template, f"market_left_{worker}_{os.getpid()}") as url:
        with closing(Database(url, threads=1)) as database, database.transaction() as session:
            open_channels(session)
        with history.owned(url) as engine:
            yield engine


@pytest.fixture
def owned(engine: sa.Engine) -> Iterator[orm.Session]:
    with history.as_owner(engine) as session:
        yield session


@dataclass
class Drive:
    """A list by volume between its proposal and its approval: two households gave alike, each to a lot of its own."""

    season: Season
    list_id: UUID
    first: UUID
    second: UUID

    def doctored(self, *statements: str) -> set[tuple[UUID | None, int | None, int | None]]:
        """Run statements behind the guards, have sums and hash fit, approve it; return whom the auditor then names."""
        session = self.season.session
        session.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
        known = {"id": self.list_id, "first": self.first, "second": self.second}
        spoil(session, *(statement.format(**known) for statement in statements))
        items = queries.items_of(session, self.list_id)
        kept_fen = sum(item.fen for item in items if item.excluded)
        fitting = f"kept_fen = {kept_fen}, list_sha256 = '{list_sha256(items)}'"
        spoil(session, f"UPDATE distributions SET {fitting} WHERE id = '{self.list_id}'")
        return self.named()

    def named(self) -> set[tuple[UUID | None, int | None, int | None]]:
        """Approve the list; return whom the auditor names, and nothing else of it."""
        session = self.season.session
        session.expire_all()
        self.season.approve(session.get_one(Distribution, self.list_id))
        found = verify(session).findings
        assert {finding.difference for finding in found} <= {Difference.LIST}
        return {(finding.owner_id, finding.expected_fen, finding.found_fen) for finding in found}


@pytest.fixture
def drive(owned: orm.Session) -> Drive:
    season = Season(owned)
    first, second = season.story.household().id, season.story.household().id
    season.deliver({first: 50})
    season.deliver({second: 50})
    season.sell("100")
    return Drive(season, season.propose(season.patronage(100_00)).id, first, second)


OF_SECOND = "WHERE distribution_id = '{id}' AND household_id = '{second}'"


def test_whoever_is_left_out_as_not_enrolled_but_was_is_named(drive: Drive) -> None:
    left_out = f"UPDATE distribution_items SET excluded = 'not_enrolled', assisted = NULL {OF_SECOND}"
    assert drive.doctored(left_out) == {(drive.second, None, None)}


def test_whoever_is_given_something_without_being_enrolled_is_named(owned: orm.Session) -> None:
    season = Season(owned)
    first, stranger = season.story.household().id, factories.household(owned).id
    season.deliver({first: 50, stranger: 50})
    season.sell("100")
    drive = Drive(season, season.propose(season.patronage(100_00)).id, first, stranger)
    let_in = f"UPDATE distribution_items SET excluded = NULL, assisted = true {OF_SECOND}"
    assert drive.doctored(let_in) == {(stranger, None, None)}


def test_whoever_delivered_to_a_lot_that_is_left_out_is_named(drive: Drive) -> None:
    found = drive.doctored(
        f"DELETE FROM distribution_items {OF_SECOND}",
        "UPDATE distribution_items SET fen = 10000, position = 0 WHERE distribution_id = '{id}'",
        "UPDATE distributions SET lot_ids = ARRAY(SELECT lot_id FROM contributions WHERE household_id = '{first}')"
        " WHERE id = '{id}'",
    )
    assert found == {(drive.first, 50_00, 100_00), (drive.second, 50_00, 0)}


def test_a_lot_that_was_no_more_than_a_draft_when_the_list_was_made_is_named(drive: Drive) -> None:
    of_second = "(SELECT lot_id FROM contributions WHERE household_id = '{second}')"
    found = drive.doctored(f"UPDATE lots SET opened_at = '2027-01-16' WHERE id IN {of_second}")
    assert found == {(drive.first, 100_00, 50_00), (drive.second, 0, 50_00)}


def draft(season: Season, household_id: UUID) -> Lot:
    lot = factories.lot(season.session, season.story.product, quantity_milli=10_000, status=LotStatus.DRAFT)
    household = season.session.get_one(Household, household_id)
    factories.contribution(season.session, lot, household, measure_milli=10_000, amount_fen=1)
    return lot


def test_what_came_after_the_proposal_is_no_reason_to_doubt_the_list(drive: Drive) -> None:
    """A draft is opened and another discarded; a household that was left out is confirmed by its village."""
    season, session = drive.season, drive.season.session
    opening_now, discarded = (draft(season, drive.first) for _ in range(2))
    manager = factories.actor(session, factories.member(session, season.story.supplier, Role.SUPPLIER_MANAGER))
    later = NOW + timedelta(days=1)
    opening.open_lot(session, manager, lot_id=opening_now.id, now=later)
    opening.discard(session, manager, lot_id=discarded.id)
    assert drive.named() == set()
    assert examine(session) == []


def test_an_enrolment_confirmed_after_the_proposal_does_not_make_it_false(owned: orm.Session) -> None:
    season, session = Season(owned), owned
    first, late = season.story.household().id, factories.household(session)
    season.deliver({first: 50, late.id: 50})
    season.sell("100")
    drive = Drive(season, season.propose(season.patronage(100_00)).id, first, late.id)
    enrolment = factories.enrolment(session, season.story.supplier, late)
    enrolment.confirmed_at = NOW + timedelta(days=1)
    session.flush()
    assert drive.named() == set()


def test_nobody_is_left_out_of_what_a_collective_gave_on_as_not_enrolled(owned: orm.Session) -> None:
    season = Season(owned, pools=(), collective_bp=2_000)
    season.story.lot(100_000)
    household_id, left_id = (factories.household(owned).id for _ in range(2))
    season.sell("10")
    season.pay_collective(20_00)
    given = season.state(10_00, {household_id: 1, left_id: 1})
    owned.execute(sa.text("SET CONSTRAINTS ALL IMMEDIATE"))
    whose = f"distribution_id = '{given.id}' AND household_id = '{left_id}'"
    spoil(owned, f"UPDATE second_distribution_items SET excluded = 'not_enrolled', assisted = NULL WHERE {whose}")
    fitting = f"kept_fen = 500, list_sha256 = '{list_sha256(collective_queries.second_items_of(owned, given.id))}'"
    spoil(owned, f"UPDATE second_distributions SET {fitting} WHERE id = '{given.id}'")
    owned.expire_all()
    season.admit(given)
    assert [(each.difference, each.owner_id) for each in verify(owned).findings] == [(Difference.LIST, left_id)]
