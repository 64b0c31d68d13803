"""The people of one county, for every test that asks for them."""

import pytest
from sqlalchemy import orm

from tests.certification import steps
from tests.certification.steps import County


@pytest.fixture
def people(session: orm.Session) -> County:
    """One county."""
    return steps.county(session)
