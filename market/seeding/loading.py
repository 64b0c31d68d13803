"""Loading the sample into a database, once: what it stands on, who acts, and then the history week by week."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import Enum, auto
from itertools import groupby
from pathlib import Path

import sqlalchemy as sa
from rich.progress import Progress

from market.attribution.models import Disbursement
from market.certification import tasks as certification
from market.db import Database, counting_ids
from market.households.vault import Vault
from market.identity.models import Organisation
from market.orders import tasks as orders
from market.payments.models import Receipt
from market.seeding import (
    accounts,
    certifying,
    custody,
    harvesting,
    paying,
    people,
    persons,
    planning,
    publishing,
    registering,
    sharing,
    trading,
)
from market.seeding.known import Known
from market.seeding.places import load_places
from market.seeding.reading import Sample, read
from market.seeding.timeline import Event, morning


class PartialSampleError(RuntimeError):
    """The database holds a part of the sample, or bodies of the same names: nothing more is loaded into it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What the database holds; `loaded` tells whether this call put it there."""

    loaded: bool
    organisations: int
    cooperatives: int
    members: int
    villages: int
    households: int
    people: int
    products: int
    batches: int
    certificates: int
    lots: int
    contributions: int
    orders: int
    returns: int
    receipts: int
    settlements: int
    refunds: int
    payments: int
    account_items: int
    entries: int


class _Held(Enum):
    NOTHING = auto()
    A_PART = auto()
    ALL = auto()


def load(db: Database, folder: Path, *, vault: Vault | None = None, progress: Progress | None = None) -> Summary:
    """Load the sample of a folder into a migrated database, unless it already holds it.

    Without a vault nobody can be sealed, and the people of the households are left out: the rest is the same.

    Raises `PartialSampleError`. A refusal of a service carries a note of the event that it refused.
    """
    sample = read(folder)
    held = _held(db, sample)
    if held is _Held.A_PART:
        raise PartialSampleError(
            "The database holds a part of the sample already, perhaps of a load that was interrupted. Load it into an"
            " empty one: remove the data folder (.data, or MARKET_DATA), or name another database."
        )
    if held is _Held.NOTHING:
        known = Known()
        history = _history(sample, known, vault)
        with counting_ids(since=history[0].at):
            _load(db, sample, known, history, progress or Progress(disable=True))
    return _summary(db, loaded=held is _Held.NOTHING)


def _held(db: Database, sample: Sample) -> _Held:
    """Tell how much of the sample is there, by names, bank references and evidence that only it bears."""
    wanted = [
        (Organisation.name, {row["name"] for row in sample.organisations}),
        (Receipt.bank_reference, {row["bank_reference"] for row in sample.receipts}),
        (Disbursement.evidence, {row["evidence"] for row in sample.disbursements}),
    ]
    counts = [
        sa.select(sa.func.count(column.distinct())).where(column.in_(values)).scalar_subquery()
        for column, values in wanted
    ]
    with db.transaction() as session:
        found = session.execute(sa.select(*counts)).one()
    if not any(found):
        return _Held.NOTHING
    return _Held.ALL if list(found) == [len(values) for _, values in wanted] else _Held.A_PART


def _load(db: Database, sample: Sample, known: Known, history: Sequence[Event], progress: Progress) -> None:
    with db.transaction() as session:
        load_places(session, sample, today=history[0].on)
        people.load_people(session, sample, known, now=history[0].at)
    _load_households(db, sample, known, progress)
    task = progress.add_task("history", total=len(history))
    for week, events in _by_week(history):
        _work(db, week)
        with db.transaction() as session:
            for event in events:
                try:
                    event.act(session, event.at)
                except Exception as error:
                    error.add_note(f"while loading {event.name} of {event.on}")
                    raise
        progress.update(task, advance=len(events), description=f"history, week of {week}")


def _history(sample: Sample, known: Known, vault: Vault | None) -> list[Event]:
    rooms = (planning, registering, certifying, harvesting, trading, custody, paying, sharing, accounts, publishing)
    told = [event for room in rooms for event in room.events(sample, known)]
    sealed = persons.events(sample, known, vault) if vault else ()
    return sorted([*told, *sealed], key=lambda event: (event.on, event.turn))


def _load_households(db: Database, sample: Sample, known: Known, progress: Progress) -> None:
    task = progress.add_task("households", total=len(sample.households))
    for village_code in people.villages(sample):
        with db.transaction() as session:
            count = people.load_households(session, sample, known, village_code)
        progress.advance(task, count)
    with db.transaction() as session:
        people.load_enrolments(session, sample, known)


def _by_week(history: Sequence[Event]) -> Iterator[tuple[date, list[Event]]]:
    """Return the events of each week, also of those in which nothing happened: the worker runs in them as well."""
    events = {week: list(found) for week, found in groupby(history, key=lambda event: event.week)}
    week, last = min(events), max(events)
    while week <= last:
        yield week, events.get(week, [])
        week += timedelta(weeks=1)


def _work(db: Database, monday: date) -> None:
    """Do what the worker does, once a week: ends of notices, alerts, orders that nobody confirmed."""
    now = morning(monday) - timedelta(hours=3)
    certification.end_notices(db, now)
    certification.raise_alerts(db, now)
    orders.expire_orders(db, now)


_COUNTS = sa.text(
    """
    SELECT (SELECT count(*) FROM organisations) AS organisations,
           (SELECT count(*) FROM organisations WHERE kind = 'cooperative') AS cooperatives,
           (SELECT count(*) FROM members) AS members,
           (SELECT count(DISTINCT village_code) FROM households) AS villages,
           (SELECT count(*) FROM households) AS households,
           (SELECT count(*) FROM people) AS people,
           (SELECT count(*) FROM products) AS products,
           (SELECT count(*) FROM batches) AS batches,
           (SELECT count(*) FROM certificates) AS certificates,
           (SELECT count(*) FROM lots) AS lots,
           (SELECT count(*) FROM contributions) AS contributions,
           (SELECT count(*) FROM orders) AS orders,
           (SELECT count(*) FROM returns) AS returns,
           (SELECT count(*) FROM receipts) AS receipts,
           (SELECT count(*) FROM settlements) AS settlements,
           (SELECT count(*) FROM refunds) AS refunds,
           (SELECT count(*) FROM payments) AS payments,
           (SELECT count(*) FROM account_items) AS account_items,
           (SELECT count(*) FROM ledger_entries) AS entries
    """
)


def _summary(db: Database, *, loaded: bool) -> Summary:
    with db.transaction() as session:
        counts = session.execute(_COUNTS).one()
    return Summary(loaded=loaded, **counts._asdict())
