"""The history that the negative controls spoil."""

import os
from collections.abc import Iterator

import pytest
from sqlalchemy import orm

from tests.audit import history
from tests.conftest import clone


@pytest.fixture(scope="session")
def history_url(server_url: str, template: str) -> Iterator[str]:
    """The owner's URL of a private database with a history in it."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw")
    with clone(server_url, template, f"market_history_{worker}_{os.getpid()}") as url:
        history.write(url)
        yield url


@pytest.fixture
def owner(history_url: str) -> Iterator[orm.Session]:
    """A session of the owner of the tables, rolled back after the test."""
    with history.as_owner(history_url) as session:
        yield session
