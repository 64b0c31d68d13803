"""What the tests of people share."""

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from tests.households.registry import Registry


@pytest.fixture
def registry(client: TestClient, session: orm.Session) -> Registry:
    return Registry(client, session)
