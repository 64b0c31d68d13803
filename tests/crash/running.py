"""A run: so many cycles of load, kill, restart and comparison; at rest, the auditor's and the provider's word."""

import shutil
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from market import worker
from market.clock import utc_now
from market.db import Database
from market.migrating import migrate
from market.payments.tasks import provider_tasks
from tests import schema
from tests.crash import world
from tests.crash.checking import Compared, compare, complaints
from tests.crash.journal import Journal, Journals
from tests.crash.provider import Postman, Provider, provided
from tests.crash.reckoning import reckon
from tests.crash.servers import Market, PostgreSQL, Role
from tests.crash.writers import Crew

WRITERS = 6
LOAD_S = (0.05, 1.5)
"""A kill falls after this much load, at random."""

SAFE = {"fsync": "on", "full_page_writes": "on", "synchronous_commit": "on"}
UNSAFE = SAFE | {"synchronous_commit": "off"}
"""The control: what is committed is written a moment later, within three times `wal_writer_delay`, 200 ms."""


EMULATED = {"fee_basis_points": 60}
FORGETFUL = EMULATED | {"forgets_keys": True}
"""The provider of another control: what it is asked again under the same key, it does again."""

POSTGRESQL = "PostgreSQL"
VICTIMS = (*Role, POSTGRESQL)
REST_HOURS = 4
"""After so many, whatever a worker put off is due."""


@dataclass(frozen=True)
class Plan:
    """What to run; the folder's earlier journals are removed."""

    folder: Path
    cycles: int
    seed: int
    settings: Mapping[str, str]
    provider: Mapping[str, Any] = field(default_factory=lambda: EMULATED)


@dataclass
class Report:
    """What a run has seen."""

    kills: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    """Of the provider, how many the application took, and how many were lost."""
    first_breach: int | None = None
    """The first cycle after which something was missing, double, or not to the fen."""
    compared: Compared = field(default_factory=Compared)
    acknowledged: Counter[str] = field(default_factory=Counter)
    acknowledged_fen: int = 0
    committed_unanswered: int = 0
    asked_again: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    """What the auditor says, and what differs at the provider."""
    moved: Counter[str] = field(default_factory=Counter)
    """What moved at the provider, by kind."""
    there_fen: int = 0
    booked_fen: int = 0
    """What is at the provider by its own word, and by the book."""

    @property
    def sound(self) -> bool:
        """Nothing was lost, done twice or a fen off, nor refused that could be done, and the books are in order."""
        return self.first_breach is None and self.compared.sound and not self.refused and not self.complaints


def run(plan: Plan, progress: Callable[[int], None]) -> Report:
    """Run and tell what was seen; the servers end with it."""
    random, report = Random(plan.seed), Report()
    journals = _journals(plan.folder)
    with ExitStack() as servers:
        provider = servers.enter_context(provided(plan.provider))
        postgresql = servers.enter_context(PostgreSQL(plan.folder, plan.settings))
        url = postgresql.begin()
        stalls = _built(url, provider)
        market = servers.enter_context(Market(url, provider, plan.folder))
        market.wait()
        crew = Crew(market.address, provider, stalls, journals, plan.seed)
        records = Journals(journals)
        with Postman(provider, market.address, Random(f"{plan.seed}/events")) as postman:
            crew.start()
            for cycle in range(1, plan.cycles + 1):
                time.sleep(random.uniform(*LOAD_S))
                victims = random.sample(VICTIMS, random.randint(1, len(VICTIMS)))
                report.kills.update(victims)
                crew.gate.close()
                _kill(victims, market, postgresql)
                crew.pause()
                _restart(victims, market, postgresql)
                if not _compared(url, records, at_rest=False).sound:
                    report.first_breach = report.first_breach or cycle
                crew.gate.open()
                progress(cycle)
            crew.finish()
        report.events = postman.sent
        for role in Role:
            market.kill(role)
        _come_to_rest(url, provider)
        _conclude(report, url, provider, records)
    for writer in crew.writers:
        report.committed_unanswered += writer.hits
        report.asked_again += writer.unanswered
    return report


def _kill(victims: Sequence[str], market: Market, postgresql: PostgreSQL) -> None:
    for victim in victims:
        if victim == POSTGRESQL:
            postgresql.kill()
        else:
            market.kill(Role(victim))


def _restart(victims: Collection[str], market: Market, postgresql: PostgreSQL) -> None:
    if POSTGRESQL in victims:
        postgresql.restart()
    for role in Role:
        if role in victims:
            market.restart(role)
    market.wait()


def _journals(folder: Path) -> list[Journal]:
    journals = folder / "journals"
    shutil.rmtree(journals, ignore_errors=True)
    journals.mkdir(parents=True)
    return [Journal(journals / f"{place}.jsonl") for place in range(WRITERS)]


def _built(url: str, provider: Provider) -> world.Stalls:
    migrate(url)
    with closing(Database(url, threads=2)) as database:
        stalls = world.build(database, provider, writers=WRITERS)
    with psycopg.connect(schema.plain(url), autocommit=True) as connection:
        connection.execute("CHECKPOINT")  # what the control loses is then of the writers
    return stalls


def _compared(url: str, records: Journals, *, at_rest: bool) -> Compared:
    """Compare what the journals say with the database; no writer writes meanwhile."""
    records.reread()
    with closing(Database(url, threads=1)) as database, database.transaction() as session:
        return compare(session, records.told(), records.unanswered(), at_rest=at_rest)


def _come_to_rest(url: str, provider: Provider) -> None:
    """Do what workers do as the hours go by, until nothing that was put off can be left."""
    with closing(Database(url, threads=2)) as database, provider.gateway() as gateway:
        more = provider_tasks(gateway, sweep_every=timedelta())
        for hours in range(REST_HOURS):
            worker.run_due(database, utc_now() + timedelta(hours=hours), more)


def _conclude(report: Report, url: str, provider: Provider, records: Journals) -> None:
    report.compared = _compared(url, records, at_rest=True)
    told = records.told()
    with closing(Database(url, threads=1)) as database:
        with database.transaction() as session:
            report.complaints = complaints(session, told)
        with database.transaction() as session:
            reckoned = reckon(session, provider)
    report.complaints += reckoned.complaints
    report.moved, report.there_fen, report.booked_fen = reckoned.moved, reckoned.there_fen, reckoned.booked_fen
    report.acknowledged = Counter({deed: len(effects) for deed, effects in told.items()})
    report.acknowledged_fen = sum(effect.fen for effects in told.values() for effect in effects)
    report.refused = records.refused()
