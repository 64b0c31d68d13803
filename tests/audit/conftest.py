"""The history that the negative controls spoil."""

import os
from collections.abc import Iterator

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from tests.audit import history
from tests.conftest import clone


@pytest.fixture(scope="session")
def owned_history(server_url: str, template: str) -> Iterator[sa.Engine]:
    """The owner's connections to a private database with a history in it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    with clone(server_url, template, f"market_history_{worker}_{os.getpid()}") as url:
        history.write(url)
        with history.owned(url) as engine:
            yield engine


@pytest.fixture
def owner(owned_history: sa.Engine) -> Iterator[orm.Session]:
    """A session of the owner of the tables, rolled back after the test."""
    with history.as_owner(owned_history) as session:
        yield session
