"""Whatever happens to goods and money while deliveries are annulled, the book is what the facts make it."""

import pytest
from sqlalchemy import orm

from market.audit.verifying import verify
from tests.annulments.annulling_contributions import assert_sound
from tests.audit.walk import Walk
from tests.story import open_channels


@pytest.mark.parametrize("consigning", [False, True])
def test_a_long_history_with_annulments_verifies_to_the_fen(session: orm.Session, *, consigning: bool) -> None:
    open_channels(session)
    walk = Walk(session, 3, consigning=consigning, cutting=True, annulling=True)
    for _ in range(3):
        for _ in range(30):
            walk.step()
        assert [finding.line() for finding in verify(session).findings] == []
    for _ in range(200):  # which of its deeds are refused hangs on ids
        if walk.taken["annul_contribution"] < 2:
            walk.step()
    assert walk.taken["annul_contribution"] > 1
    assert_sound(session)
