"""Who reads personal data in clear is written down in the transaction that reads them: both happen, or neither."""

from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from market.app import create_app
from market.db import Database
from market.households import revealing
from market.households.models import Household, PersonalDataAccess
from market.households.rules import PersonalField, Purpose
from market.identity.rules import Actor, Role, Scope
from tests import factories
from tests.households.registry import CARD, WHY, Registry
from tests.stalls import NOON

REFUSING = """
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'no room on the disk'; END$$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON {table} {when} FOR EACH ROW EXECUTE FUNCTION refuse()
"""


@pytest.fixture
def registry(committed_db: Database) -> Iterator[Registry]:
    """A person on the register of a database of its own, that really commits."""
    app = create_app(committed_db, vault=factories.VAULT)
    with TestClient(app, raise_server_exceptions=False) as client:
        with committed_db.transaction() as session:
            there = Registry(client, session)
        yield there


def logged(db: Database) -> int:
    with db.transaction() as session:
        return session.scalars(sa.select(sa.func.count()).select_from(PersonalDataAccess)).one()


def refuse(db: Database, table: str, when: str = "") -> None:
    """Let the owner of the tables have a table refuse every row, at once or when the transaction is to commit."""
    owner = sa.create_engine(db.engine.url)
    with owner.begin() as connection:
        connection.execute(sa.text(REFUSING.format(table=table, when=when)))
    owner.dispose()


def test_what_was_read_is_logged_once_it_is_told(registry: Registry, committed_db: Database) -> None:
    shown = registry.reveal(registry.county, "name")
    assert (shown.status_code, str(CARD["name"]) in shown.text, logged(committed_db)) == (201, True, 1)


@pytest.mark.parametrize("when", ["", "DEFERRABLE INITIALLY DEFERRED"], ids=["written", "committed"])
@pytest.mark.parametrize("asked", ["reveal", "search"])
def test_what_cannot_be_logged_is_not_read(registry: Registry, committed_db: Database, asked: str, when: str) -> None:
    refuse(committed_db, "personal_data_accesses", when)
    if asked == "reveal":
        answer = registry.reveal(registry.county, "name", "phone")
    else:
        search = {"field": "phone", "value": CARD["phone"]} | WHY
        answer = registry.county.post("/people/searches", search)
    assert answer.status_code == 500
    assert str(CARD["name"]) not in answer.text
    assert str(registry.household.code) not in answer.text
    assert logged(committed_db) == 0


def test_what_fails_after_it_was_logged_takes_the_log_with_it(registry: Registry, committed_db: Database) -> None:
    """The answer is remembered after the reading: where that fails at the end, nobody has read anything."""
    refuse(committed_db, "idempotent_answers", "DEFERRABLE INITIALLY DEFERRED")
    answer = registry.reveal(registry.county, "name", "phone")
    assert (answer.status_code, str(CARD["name"]) in answer.text) == (500, False)
    assert logged(committed_db) == 0


def test_the_row_of_the_log_is_of_the_very_transaction_that_reads(registry: Registry, committed_db: Database) -> None:
    reading = revealing.Reading(Purpose.IDENTITY_CHECK, "年度信息核验", "127.0.0.1", "1", NOON)
    written_by = sa.text("SELECT xmin::text = pg_current_xact_id()::xid::text FROM personal_data_accesses")
    with committed_db.transaction() as session:
        actor: Actor = factories.actor(session, registry.county.member, Scope.REGION)
        assert actor.role is Role.COUNTY_REVIEWER
        household = session.scalars(sa.select(Household.id)).one()
        (told,) = revealing.reveal(
            session, actor, factories.VAULT, household_ids=[household], fields=[PersonalField.NAME], reading=reading
        )
        assert told.people[0][1] == {PersonalField.NAME: CARD["name"]}
        assert session.scalars(written_by).all() == [True]
        session.rollback()
    assert logged(committed_db) == 0
