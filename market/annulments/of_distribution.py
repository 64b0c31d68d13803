"""Annulling a distribution: what its list gave goes back, line by line, to the money it was given out of."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import orm

from market.annulments import queries
from market.annulments.rules import (
    Back,
    Brought,
    Fall,
    GivenOnError,
    RemainderStandsError,
    Undone,
    falling,
    going_back,
    left_given,
)
from market.attribution.queries import standings
from market.attribution.rules import Share, Standing
from market.distributions.models import Distribution
from market.distributions.queries import sharing_the_remainder, visible_distributions
from market.distributions.rules import DistributionEvent, DistributionStatus, after
from market.errors import NotFoundError
from market.identity.rules import Actor

Place = tuple[UUID, Share]


def locked(session: orm.Session, actor: Actor, distribution_id: UUID) -> Distribution:
    """Return a distribution that the actor may see, locked until the commit; raises `NotFoundError`.

    A dividend may name it meanwhile as the return that it shares the remainder of: that waits for the supplier's lock,
    and must not for this one under it.
    """
    visible = visible_distributions(actor).where(Distribution.id == distribution_id)
    found = session.scalar(visible.with_for_update(key_share=True).execution_options(populate_existing=True))
    if found is None:
        raise NotFoundError(what="distribution", pointer="/distribution_id")
    return found


def check(session: orm.Session, distribution: Distribution) -> DistributionStatus:
    """Return the status of an annulled distribution; the caller holds the supplier's lock.

    Raises `TransitionError` unless it is approved, `RemainderStandsError` or `GivenOnError`.
    """
    status = after(distribution.status, DistributionEvent.ANNUL)
    if other := sharing_the_remainder(session, distribution.id):
        raise RemainderStandsError(distribution=other)
    if collective := queries.giving_on(session, _source(distribution)):
        raise GivenOnError(named=collective)
    return status


def undone(session: orm.Session, distribution: Distribution) -> Undone:
    """Return what falls of what a distribution gave, and where it goes back to; writes nothing."""
    source = _source(distribution)
    moved: dict[Place, list[Brought]] = defaultdict(list)
    for line_id, share, brought in queries.moved_on_lines_of(session, source, distribution.mechanism):
        moved[line_id, share].append(brought)
    given, taken = _own(moved, source)
    standing = _standing(session, given)
    falls: list[Fall] = []
    for line_id, share in given:
        left_fen = left_given(moved[line_id, share], source)
        fallen = falling(standing[line_id, share], left_fen, salt=f"{source}|{line_id}")
        falls += [Fall(line_id, each) for each in fallen]
    return Undone(falls, _backs(falls, taken, source), queries.known_on(session, source))


def _source(distribution: Distribution) -> str:
    return f"distribution:{distribution.id}"


def _own(moved: Mapping[Place, list[Brought]], source: str) -> tuple[list[Place], dict[UUID, dict[Share, int]]]:
    """Return to which shares of lines a source gave something, and of each line what it took of which share."""
    given: list[Place] = []
    taken: dict[UUID, dict[Share, int]] = defaultdict(dict)
    for (line_id, share), all_that in sorted(moved.items(), key=lambda item: (item[0][0], item[0][1].key)):
        own = [brought.fen for brought in all_that if brought.source == source]
        if any(fen > 0 for fen in own):
            given.append((line_id, share))
        if took_fen := -sum(fen for fen in own if fen < 0):
            taken[line_id][share] = took_fen
    return given, taken


def _standing(session: orm.Session, given: Sequence[Place]) -> dict[Place, list[Standing]]:
    found: dict[Place, list[Standing]] = defaultdict(list)
    for line_id, on_line in standings(session, {line_id for line_id, _ in given}).items():
        for each in on_line:
            if not each.is_top_up:
                found[line_id, each.share].append(each)
    return found


def _backs(falls: list[Fall], taken: Mapping[UUID, Mapping[Share, int]], source: str) -> list[Back]:
    by_line: dict[UUID, list[Standing]] = defaultdict(list)
    for line_id, each in falls:
        by_line[line_id].append(each)
    return [
        back
        for line_id, fallen in by_line.items()
        for back in going_back(line_id, taken[line_id], fallen, salt=f"{source}|{line_id}")
    ]
