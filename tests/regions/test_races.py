"""Two renamings at once leave one name on any day."""

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from threading import Barrier

import sqlalchemy as sa

from market.db import Database
from market.regions import service
from market.regions.models import Region
from market.regions.rules import RegionOverlapError


def test_of_many_namings_at_once_no_two_overlap(committed_db: Database) -> None:
    start = Barrier(8)

    def name(number: int) -> None:
        start.wait(10)
        try:
            with committed_db.transaction() as session:
                service.add_region(session, code="141122", name=f"名{number}", valid_from=date(2020, 1, number + 1))
        except RegionOverlapError:
            pass

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(name, range(8)))
    with committed_db.transaction() as session:
        names = session.scalars(sa.select(Region).order_by(Region.valid_from)).all()
    assert names[-1].valid_until is None
    assert [row.valid_until for row in names[:-1]] == [row.valid_from for row in names[1:]]
