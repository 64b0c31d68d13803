"""Nothing follows any more of a contribution that was annulled; and what is none, or not any more, is refused."""

from collections.abc import Iterator
from datetime import date
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.annulments import deciding
from market.annulments.rules import AnnulmentProposedError
from market.attribution import cash, disbursing, queries
from market.attribution.paying import Method, PaidBeyondDeliveryError
from market.attribution.rules import Kind, PaymentOrder, Step
from market.benefits.rules import Mechanism
from market.distributions import proposing
from market.distributions.rules import DeliveryAnnulledError
from market.errors import FourEyesError, NotFoundError, TransitionError
from market.identity.rules import Role
from market.lots import contributing, opening
from market.lots.models import Contribution
from market.lots.pricing import NewContribution
from market.lots.rules import (
    CarriedContributionError,
    ContributionAnnulledError,
    LotStatus,
    NeverOpenedError,
    RepeatedEvidenceError,
)
from market.quantities import MeasuredIn
from tests import factories
from tests.annulments.annulling_contributions import LATER, annul, approve, assert_sound, officer, on_sale, proposed
from tests.attribution.test_moving_on import move_on
from tests.attribution.test_races import prepared
from tests.distributions.season import AFTER, NOW, Season
from tests.story import NOON, Story, open_channels


@pytest.fixture
def story(session: orm.Session) -> Iterator[Story]:
    open_channels(session)
    told = Story(session)
    yield told
    assert_sound(session)


def test_nobody_is_paid_for_it_any_more_nor_ahead_for_what_it_was_to_bring(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(10_000, {invented.id: 5_000})
    annul(story.session, false.id)
    with pytest.raises(ContributionAnnulledError):
        story.disburse({invented.id: 1_000}, contributions={invented.id: false.id})
    ahead = [PaymentOrder(Kind.HOUSEHOLD, invented.id, 1, "DF-1", None)]
    with pytest.raises(PaidBeyondDeliveryError):
        disbursing.predict(story.session, story.clerk, paid_on=LATER, payments=ahead)


def test_what_a_list_that_was_written_before_pays_for_it_is_ahead(story: Story) -> None:
    invented = story.household()
    _, (false,) = story.lot(10_000, {invented.id: 5_000})
    payments = [PaymentOrder(Kind.HOUSEHOLD, invented.id, 5_000, "DF-1", false.id)]
    written = prepared(story.session, story, payments, Method.CASH)
    annul(story.session, false.id)
    manager = factories.actor(story.session, factories.member(story.session, story.supplier, Role.SUPPLIER_MANAGER))
    cash.countersign(story.session, manager, pay_list_id=written.id, evidence_ids=[], now=NOON)
    assert story.advances(invented.id) == 5_000


def test_its_slip_may_stand_for_what_was_truly_delivered(story: Story) -> None:
    invented, real = story.household(), story.household()
    _, (false,) = story.lot(10_000, {invented.id: 5_000})
    draft = factories.lot(story.session, story.product, status=LotStatus.DRAFT)
    truly = NewContribution(
        household_id=real.id,
        mechanism=Mechanism.ORDER_PURCHASE,
        measure_milli=1_000,
        measured_in=MeasuredIn.KG,
        unit_price_fen=600,
        delivered_on=date(2026, 1, 4),
        evidence=false.evidence,
    )

    def record() -> None:
        contributing.record_contributions(story.session, story.clerk, lot_id=draft.id, contributions=[truly], now=NOON)

    with pytest.raises(RepeatedEvidenceError):
        record()
    annul(story.session, false.id)
    record()


def test_a_lot_that_nobody_opened_is_discarded_instead(story: Story) -> None:
    household = story.household()
    lot, (given,) = story.lot(10_000, {household.id: 5_000})
    lot.status, lot.opened_by, lot.opened_at = LotStatus.DRAFT, None, None
    story.session.flush()
    with pytest.raises(NeverOpenedError) as refused:
        proposed(story.session, given.id)
    assert lot.number in refused.value.detail("zh")
    opening.discard(story.session, story.clerk, lot_id=lot.id)
    with pytest.raises(NeverOpenedError):
        proposed(story.session, given.id)


def test_what_was_carried_is_annulled_with_its_origin_alone(story: Story) -> None:
    household = story.household()
    lot, (given,) = story.lot(10_000, {household.id: 5_000})
    further = on_sale(story, move_on(story, on_sale(story, move_on(story, lot, 5_000)), 5_000))
    (fact,) = queries.contribution_facts(story.session, [further.id])
    with pytest.raises(CarriedContributionError) as refused:
        proposed(story.session, fact.contribution_id)
    assert str(given.id) in refused.value.detail("en")


def test_it_is_annulled_once_by_two_people_neither_of_the_supplier(story: Story) -> None:
    session = story.session
    household = story.household()
    _, (false, other) = story.lot(10_000, {household.id: 5_000, story.household().id: 5_000})
    manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
    waiting = proposed(session, false.id, by=manager)
    with pytest.raises(AnnulmentProposedError):
        proposed(session, false.id)
    with pytest.raises(FourEyesError):
        deciding.approve(session, manager, annulment_id=waiting.id, opinion="属实", on=LATER, now=NOON)
    deciding.reject(session, officer(session), annulment_id=waiting.id, opinion="证据不足", now=NOON)
    assert annul(session, false.id).status == "approved"
    with pytest.raises(ContributionAnnulledError):
        proposed(session, false.id)
    with pytest.raises(TransitionError):
        approve(session, waiting)
    assert session.get_one(Contribution, other.id).annulment_id is None


@pytest.mark.parametrize("who", ["a stranger", "another supplier"])
def test_nobody_annuls_what_he_may_not_know_of(story: Story, who: str) -> None:
    _, (given,) = story.lot(10_000, {story.household().id: 5_000})
    elsewhere = factories.organisation(story.session, region_code="532900")
    by = factories.actor(story.session, factories.member(story.session, elsewhere, Role.SUPPLIER_MANAGER))
    with pytest.raises(NotFoundError):
        proposed(story.session, uuid4() if who == "a stranger" else given.id, by=by)


def test_a_return_by_volume_counts_nothing_of_it_and_a_list_that_did_is_proposed_anew(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session)
    real, invented = season.story.household(), season.story.household()
    season.deliver({real.id: 30, invented.id: 10})
    order = season.sell("40")
    by_volume = season.patronage(4_000)
    false = session.scalars(sa.select(Contribution).where(Contribution.household_id == invented.id)).one()
    listed = season.propose(by_volume)
    waiting = proposed(session, false.id, on=AFTER)
    approve(session, waiting, on=AFTER)
    with pytest.raises(DeliveryAnnulledError), session.begin_nested():
        season.approve(listed)
    proposing.reject(session, season.reviewer, distribution_id=listed.id, opinion="重新提出", now=NOW)
    season.share_out(by_volume)
    assert_sound(session)
    assert season.of([order], invented.id, Mechanism.PATRONAGE) == {}
    assert season.of([order], real.id, Mechanism.PATRONAGE) == {Step.RECOGNISED: 4_000}


def test_a_list_that_was_approved_before_stands_as_it_was_counted(session: orm.Session) -> None:
    open_channels(session)
    season = Season(session)
    real, invented = season.story.household(), season.story.household()
    season.deliver({real.id: 30, invented.id: 10})
    season.sell("40")
    season.share_out(season.patronage(4_000))
    false = session.scalars(sa.select(Contribution).where(Contribution.household_id == invented.id)).one()
    annul(session, false.id, on=AFTER)
    assert_sound(session)
