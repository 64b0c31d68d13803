"""Two at once: a list is annulled once, and what a household is paid meanwhile is either owed or an advance."""

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from uuid import UUID

import sqlalchemy as sa

from market.annulments import deciding
from market.annulments.models import Annulment
from market.annulments.rules import AnnulmentProposedError, RemainderStandsError
from market.attribution.rules import Kind, PaymentOrder
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.benefits.holdings import Holding, Source
from market.db import Database
from market.distributions import proposing
from market.distributions.listing import Dividend
from market.distributions.rules import NoRemainderError, RemainderSharedError
from market.errors import TransitionError
from tests.annulments.annulling_lists import LATER, LATER_NOON, manager
from tests.distributions.season import NOW, YEAR, Season
from tests.money_out import paid_out
from tests.story import open_channels


def wrong_list(db: Database) -> tuple[Season, UUID, UUID]:
    """Commit a list that gave a household 40 yuan; return it with the household."""
    with db.transaction() as session:
        open_channels(session)
        season = Season(session)
        household = season.story.household().id
        season.deliver({household: 100})
        season.sell("10")
        return season, season.share_out(season.patronage(40_00)).id, household


def all_is_well(db: Database) -> None:
    with db.transaction() as session:
        assert [finding.line() for finding in verify(session).findings] == []
    with db.transaction() as session:
        assert [symptom.line() for symptom in examine(session)] == []


def test_an_annulment_proposed_by_four_at_once_is_one(committed_db: Database) -> None:
    season, distribution_id, _ = wrong_list(committed_db)
    with committed_db.transaction() as session:
        season.session = session
        makers = [manager(season) for _ in range(4)]
    start = Barrier(4)

    def propose(index: int) -> bool:
        start.wait()
        try:
            with committed_db.transaction() as session:
                subject = deciding.Subject(distribution_id)
                deciding.propose(
                    session, makers[index], subject=subject, reason="有误", evidence="报告", now=LATER_NOON
                )
        except AnnulmentProposedError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(propose, range(4))) == [False, False, False, True]
    with committed_db.transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Annulment)) == 1


def test_an_annulment_approved_and_rejected_by_four_at_once_is_decided_once(committed_db: Database) -> None:
    season, distribution_id, _ = wrong_list(committed_db)
    with committed_db.transaction() as session:
        subject = deciding.Subject(distribution_id)
        season.session = session
        annulment, _ = deciding.propose(
            session, manager(season), subject=subject, reason="有误", evidence="报告", now=LATER_NOON
        )
    start = Barrier(4)

    def decide(index: int) -> bool:
        start.wait()
        try:
            with committed_db.transaction() as session:
                decide_on = partial(deciding.approve, on=LATER) if index % 2 else deciding.reject
                decide_on(session, season.reviewer, annulment_id=annulment.id, opinion="属实", now=LATER_NOON)
        except TransitionError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(decide, range(4))) == [False, False, False, True]
    all_is_well(committed_db)


def test_a_household_paid_while_its_list_is_annulled_has_an_advance(committed_db: Database) -> None:
    season, distribution_id, household = wrong_list(committed_db)
    with committed_db.transaction() as session:
        subject = deciding.Subject(distribution_id)
        season.session = session
        annulment, _ = deciding.propose(
            session, manager(season), subject=subject, reason="有误", evidence="报告", now=LATER_NOON
        )
    start = Barrier(2)

    def act(index: int) -> None:
        start.wait()
        with committed_db.transaction() as session:
            if index:
                deciding.approve(
                    session, season.reviewer, annulment_id=annulment.id, opinion="属实", on=LATER, now=LATER_NOON
                )
            else:
                payment = PaymentOrder(Kind.HOUSEHOLD, household, 40_00, "1", None)
                paid_out(session, season.story.clerk, [payment], on=LATER, now=NOW)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(act, range(2)))
    with committed_db.transaction() as session:
        assert season.story.elsewhere(session).advances(household) == 40_00
    all_is_well(committed_db)


def test_a_list_annulled_by_two_words_at_once_falls_once(committed_db: Database) -> None:
    season, distribution_id, _ = wrong_list(committed_db)
    with committed_db.transaction() as session:
        season.session = session
        subject = deciding.Subject(distribution_id)
        first, _ = deciding.propose(
            session, manager(season), subject=subject, reason="有误", evidence="报告", now=LATER_NOON
        )
    start = Barrier(4)

    def approve(_: int) -> bool:
        start.wait()
        try:
            with committed_db.transaction() as session:
                deciding.approve(
                    session, season.reviewer, annulment_id=first.id, opinion="属实", on=LATER, now=LATER_NOON
                )
        except TransitionError:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(approve, range(4))) == [False, False, False, True]
    with committed_db.transaction() as session:
        entries = "SELECT count(*) FROM ledger_entries WHERE reason = 'annulment'"
        assert session.scalar(sa.text(entries)) == 1
    all_is_well(committed_db)


def test_what_a_return_by_volume_leaves_is_shared_or_the_return_is_annulled_but_not_both(
    committed_db: Database,
) -> None:
    with committed_db.transaction() as session:
        open_channels(session)
        season = Season(session)
        household = season.story.household().id
        season.deliver({household: 100})
        season.sell("10")
        returned = season.share_out(season.patronage(50_00, by_volume_bp=6_000))
        shares = season.shares(Holding(str(household), own_fen=1)).id
        subject = deciding.Subject(returned.id)
        annulment, _ = deciding.propose(
            session, manager(season), subject=subject, reason="有误", evidence="报告", now=LATER_NOON
        )
    start = Barrier(8)

    def act(index: int) -> str:
        start.wait()
        try:
            with committed_db.transaction() as session:
                if index % 2:
                    deciding.approve(
                        session, season.reviewer, annulment_id=annulment.id, opinion="属实", on=LATER, now=LATER_NOON
                    )
                    return "annulled"
                formula = Dividend(shares, 20_00, tuple(Source), remainder_of=returned.id)
                clerk = season.story.clerk
                proposing.propose(session, clerk, formula=formula, period=YEAR, evidence="成员大会决议", now=NOW)
                return "shared"
        except (TransitionError, RemainderStandsError, NoRemainderError, RemainderSharedError):
            return "refused"

    with ThreadPoolExecutor(8) as pool:
        done = sorted(pool.map(act, range(8)))
    assert done in (["annulled", *["refused"] * 7], [*["refused"] * 7, "shared"])
    all_is_well(committed_db)
