"""What is made to fail: a market with real commits, processes that can be killed, and one that rolls back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import orm

from market.db import Database
from tests.failures import world
from tests.failures.processes import Processes
from tests.failures.world import World
from tests.payments.desk import Bank, in_custody, of_supplier, selling
from tests.payments.till import Till, opened
from tests.story import Story


@pytest.fixture(scope="session")
def processes() -> Iterator[Processes]:
    """Where applications and workers come from."""
    with Processes() as processes:
        yield processes


@pytest.fixture
def at_stake(committed_db: Database) -> Iterator[World]:
    """A market of its own, whose transactions are real."""
    url = committed_db.engine.url.render_as_string(hide_password=False)
    with world.opened(committed_db, url) as opened_world:
        yield opened_world


@pytest.fixture
def story(session: orm.Session) -> Story:
    """Whoever sells and buys, all undone after the test."""
    story = selling(session)
    of_supplier(story)
    return story


@pytest.fixture
def till(db: Database, session: orm.Session) -> Iterator[Till]:
    """The platform at an emulated provider."""
    with opened(db, session) as till:
        yield till


@pytest.fixture
def custody(session: orm.Session) -> Bank:
    """The platform's account in custody."""
    return in_custody(session)
