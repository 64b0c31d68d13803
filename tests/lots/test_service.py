"""Registering lots, recording contributions, opening, holding, writing off, and who sees what."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.refusals import NotEnrolledError
from market.benefits.rules import Mechanism, PlanBody, PlanNotApprovedError, PlanStatus
from market.db import new_id
from market.errors import FourEyesError, InvalidInputError, NotFoundError, TransitionError
from market.identity.models import Organisation
from market.identity.rules import Actor, Role, Scope
from market.lots import baselines, opening, queries, registering, stock
from market.lots.lineage import NotCoveredError
from market.lots.models import Baseline, Spoilage
from market.lots.rules import (
    BaselineEvent,
    BaselineStatus,
    ExpiredLotError,
    LotStatus,
    MechanismNotInPlanError,
    MissingQualityCertificateError,
    OutOfStockError,
    OutsideOriginError,
    ReusedQualityCertificateError,
    SealedLotError,
    Want,
    WrongUnitError,
)
from market.quantities import MeasuredIn
from tests import factories
from tests.lots.village import NOW, TODAY, Village


@pytest.fixture
def village(session: orm.Session) -> Village:
    return Village(session)


def test_a_lot_is_registered_as_a_draft_with_all_of_it_available(village: Village) -> None:
    lot = village.draft(5_000, measured_in=MeasuredIn.JIN, bought_in_milli=100, area_milli_mu=180_000)
    assert (lot.status, lot.available_milli, lot.base_unit, lot.supplier_id) == (
        LotStatus.DRAFT,
        5_000,
        "kg",
        village.supplier.id,
    )
    assert lot.number.startswith("L-20260302-")


def test_only_a_product_of_ones_own_can_have_lots(session: orm.Session, village: Village) -> None:
    foreign = factories.product(session, factories.organisation(session))
    for product_id in (foreign.id, new_id()):
        with pytest.raises(NotFoundError) as refused:
            village.draft(1_000, product_id=product_id)
        assert refused.value.pointer == "/product_id"


def test_a_lot_of_nothing_or_in_the_wrong_unit_is_refused(village: Village) -> None:
    with pytest.raises(InvalidInputError):
        village.draft(0)
    with pytest.raises(WrongUnitError):
        village.draft(1_000, measured_in=MeasuredIn.PIECE)


def test_contributions_are_recorded_in_one_statement_whatever_their_number(village: Village) -> None:
    lot = village.draft(10_000)
    counts = []
    for times in (1, 100):
        given_ = [village.gives(village.households[0], 1_000) for _ in range(times)]
        village.session.flush()
        statements: list[str] = []

        def seen(*call: Any, into: list[str] = statements) -> None:
            into.append(call[2])

        connection = village.session.connection()
        sa.event.listen(connection, "before_cursor_execute", seen)
        rows = village.record(lot, *given_)
        sa.event.remove(connection, "before_cursor_execute", seen)
        assert len(rows) == times
        assert sum("INSERT" in statement for statement in statements) == 1
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_the_amount_is_computed_and_comes_back_in_the_order_given(village: Village) -> None:
    lot = village.draft(10_000)
    first, second, _ = village.households
    rows = village.record(lot, village.gives(second, 2_500), village.works(first, 7_500))
    assert [(row.household_id, row.mechanism, row.amount_fen) for row in rows] == [
        (second, Mechanism.ORDER_PURCHASE, 1_500),
        (first, Mechanism.LABOUR, 11_250),
    ]
    assert village.kept(lot) == sorted(rows)


def test_only_households_whose_village_confirmed_them_contribute(session: orm.Session, village: Village) -> None:
    lot = village.draft(10_000)
    stranger, proposed = factories.household(session), factories.household(session)
    factories.enrolment(session, village.supplier, proposed, confirmed=False)
    for household in (stranger.id, proposed.id, new_id()):
        with pytest.raises(NotEnrolledError) as refused:
            village.record(lot, village.gives(village.households[0], 1), village.gives(household, 1_000))
        assert refused.value.pointer == "/contributions/1/household_id"
    assert village.kept(lot) == []


def test_a_household_contributes_from_the_day_it_takes_part(session: orm.Session, village: Village) -> None:
    lot, newcomer = village.draft(10_000), factories.household(session)
    factories.enrolment(session, village.supplier, newcomer, on=TODAY + timedelta(days=1))
    with pytest.raises(NotEnrolledError) as refused:
        village.record(lot, village.gives(newcomer.id, 1_000))
    assert refused.value.pointer == "/contributions/0/household_id"


def test_a_lot_comes_from_the_county_for_which_its_product_is_certified(village: Village) -> None:
    with pytest.raises(OutsideOriginError) as refused:
        village.draft(1_000, origin_code="141130103")
    assert refused.value.pointer == "/origin_code"


def test_a_lot_that_is_no_longer_good_does_not_go_on_sale(village: Village) -> None:
    lot = village.draft(1_000, expires_on=TODAY, bought_in_milli=1_000)
    with pytest.raises(ExpiredLotError):
        opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW + timedelta(days=1))
    assert opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW).status is LotStatus.OPEN


def test_a_mechanism_must_be_in_the_plan_and_the_plan_in_force(session: orm.Session) -> None:
    village = Village(session)
    body = PlanBody(lot_mechanisms=(Mechanism.LABOUR,), pools=())
    village.product.plan_id = factories.plan(session, village.supplier, body=body).id
    lot = village.draft(1_000)
    for given_ in (
        village.gives(village.households[0], 1_000),
        replace(village.works(village.households[0], 1_000), mechanism=Mechanism.SHARE_DIVIDEND),
    ):
        with pytest.raises(MechanismNotInPlanError) as refused:
            village.record(lot, given_)
        assert refused.value.pointer == "/contributions/0/mechanism"
    assert village.record(lot, village.works(village.households[0], 1_000))
    village.product.plan_id = factories.plan(session, village.supplier, status=PlanStatus.SUBMITTED).id
    with pytest.raises(PlanNotApprovedError):
        village.record(lot, village.works(village.households[0], 1_000))


def test_what_went_into_an_open_lot_is_sealed(village: Village) -> None:
    lot = village.opened(1_000)
    with pytest.raises(SealedLotError):
        village.record(lot, village.gives(village.households[0], 1_000))
    with pytest.raises(SealedLotError):
        registering.attach_quality_certificate(village.session, village.clerk, lot_id=lot.id, number="HGZ-1")


def test_a_lot_is_opened_by_somebody_who_neither_made_it_nor_recorded_what_went_in(village: Village) -> None:
    lot = registering.register_lot(
        village.session,
        village.manager,
        product_id=village.product.id,
        quantity_milli=1_000,
        measured_in=MeasuredIn.KG,
        produced_on=TODAY,
        expires_on=None,
        origin_code="141122",
        now=NOW,
    )
    village.record(lot, village.gives(village.households[0], 1_000))
    for maker in (village.manager, village.clerk):
        with pytest.raises(FourEyesError):
            opening.open_lot(village.session, maker, lot_id=lot.id, now=NOW)
    second = village.actor(Role.SUPPLIER_MANAGER)
    assert opening.open_lot(village.session, second, lot_id=lot.id, now=NOW).opened_by == second.member_id


def test_hours_of_work_cover_no_quantity(village: Village) -> None:
    lot = village.draft(1_500, bought_in_milli=600, loss_milli=100)
    village.record(lot, village.gives(village.households[0], 999), village.works(village.households[1], 9_000))
    with pytest.raises(NotCoveredError):
        opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW)
    village.record(lot, village.gives(village.households[0], 1))
    assert opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW).status is LotStatus.OPEN


def test_a_flagged_category_is_not_opened_without_a_quality_certificate(session: orm.Session) -> None:
    flagged = factories.category(session, needs_quality_certificate=True)
    village = Village(session, category_code=flagged.code)
    with pytest.raises(MissingQualityCertificateError):
        village.opened(1_000)
    lot = village.draft(1_000, bought_in_milli=1_000)
    registering.attach_quality_certificate(session, village.clerk, lot_id=lot.id, number="HGZ-1")
    assert opening.open_lot(session, village.manager, lot_id=lot.id, now=NOW).status is LotStatus.OPEN


def test_a_mixed_lot_needs_a_quality_certificate_of_its_own(village: Village) -> None:
    session = village.session
    first = village.draft(1_000, bought_in_milli=1_000)
    registering.attach_quality_certificate(session, village.clerk, lot_id=first.id, number="HGZ-1")
    opening.open_lot(session, village.manager, lot_id=first.id, now=NOW)
    second = village.draft(1_000, inputs=[(first.id, 1_000)])
    opening.open_lot(session, village.manager, lot_id=second.id, now=NOW)
    third = village.draft(500, inputs=[(second.id, 500)])
    for lot in (second, third):
        if lot.status is LotStatus.DRAFT:
            with pytest.raises(ReusedQualityCertificateError) as refused:
                registering.attach_quality_certificate(session, village.clerk, lot_id=lot.id, number="HGZ-1")
            assert refused.value.facts == {"number": first.number}
            with pytest.raises(ReusedQualityCertificateError):
                registering.attach_quality_certificate(session, village.clerk, lot_id=lot.id, number="hgz 1")
    registering.attach_quality_certificate(session, village.clerk, lot_id=third.id, number="HGZ-2")
    assert third.quality_certificate == "HGZ-2"


def test_a_held_lot_is_off_sale_until_it_is_released(village: Village) -> None:
    lot = village.opened(1_000)
    wanted = [Want(new_id(), village.product.id, 1_000, 0, "kg", 1_000)]
    opening.hold(village.session, village.clerk, lot_id=lot.id)
    with pytest.raises(OutOfStockError):
        stock.reserve(village.session, wanted, on=TODAY)
    with pytest.raises(TransitionError):
        opening.hold(village.session, village.clerk, lot_id=lot.id)
    opening.release(village.session, village.manager, lot_id=lot.id)
    assert stock.reserve(village.session, wanted, on=TODAY)


def test_what_spoils_leaves_the_shelf_and_says_why(village: Village) -> None:
    lot = village.opened(1_000)
    stock.record_spoilage(village.session, village.clerk, lot_id=lot.id, quantity_milli=300, reason="受潮霉变", now=NOW)
    assert (lot.available_milli, lot.spoiled_milli) == (700, 300)
    assert village.session.scalars(sa.select(Spoilage.reason)).all() == ["受潮霉变"]
    for milli, refusal in ((701, OutOfStockError), (0, InvalidInputError)):
        with pytest.raises(refusal):
            stock.record_spoilage(
                village.session, village.clerk, lot_id=lot.id, quantity_milli=milli, reason="x", now=NOW
            )


def test_a_foreign_lot_does_not_exist(session: orm.Session, village: Village) -> None:
    other = Village(session)
    lot = village.opened(1_000)
    for refused in (
        lambda: other.record(lot, other.gives(other.households[0], 1)),
        lambda: opening.hold(session, other.clerk, lot_id=lot.id),
        lambda: queries.one_lot(session, other.clerk, lot.id),
        lambda: other.draft(10, inputs=[(lot.id, 10)]),
    ):
        with pytest.raises(NotFoundError):
            refused()


def test_a_reviewer_sees_the_lots_of_its_region_and_an_auditor_all(session: orm.Session, village: Village) -> None:
    lot = village.opened(1_000)

    def sees(region_code: str, scope: Scope) -> bool:
        body = factories.organisation(session, region_code=region_code)
        actor = factories.actor(session, factories.member(session, body), scope)
        return lot.id in {seen.id for seen in session.scalars(queries.visible_lots(actor))}

    assert sees("141122", Scope.REGION)
    assert not sees("141130", Scope.REGION)
    assert sees("141130", Scope.ALL)
    assert not sees("141122", Scope.OWN)


def test_a_baseline_is_the_supplier_s_word_until_its_county_confirms_it(village: Village) -> None:
    session, lot = village.session, village.opened(1_000)
    facts: dict[str, Any] = {
        "lot_id": lot.id,
        "period_from": date(2025, 1, 1),
        "period_to": date(2025, 12, 31),
        "source": "产量登记表",
        "area_milli_mu": 180_000,
        "yield_milli_per_mu": 1_000_000,
        "measured_in": MeasuredIn.JIN,
        "unit_price_fen": 120,
    }
    county = factories.member(session, factories.organisation(session), Role.COUNTY_REVIEWER)
    reviewer = factories.actor(session, county, Scope.REGION)

    def decide(actor: Actor, event: BaselineEvent) -> Baseline:
        return baselines.decide_baseline(session, actor, lot_id=lot.id, event=event, opinion="已核", now=NOW)

    with pytest.raises(NotFoundError):
        decide(reviewer, BaselineEvent.CONFIRM)
    proposed = baselines.propose_baseline(session, village.clerk, **facts)
    assert (proposed.gross_fen, proposed.status) == (43_200_000, BaselineStatus.PROPOSED)
    with pytest.raises(TransitionError):
        baselines.propose_baseline(session, village.clerk, **facts)
    with pytest.raises(FourEyesError):
        decide(village.manager, BaselineEvent.CONFIRM)
    assert decide(reviewer, BaselineEvent.REJECT).status is BaselineStatus.REJECTED
    anew = baselines.propose_baseline(session, village.clerk, **facts | {"unit_price_fen": 100})
    assert (anew.gross_fen, anew.status, anew.decided_by) == (36_000_000, BaselineStatus.PROPOSED, None)
    assert decide(reviewer, BaselineEvent.CONFIRM).decided_by == reviewer.member_id
    with pytest.raises(sa.exc.IntegrityError, match="a confirmed baseline never changes"), session.begin_nested():
        session.execute(sa.update(Baseline).values(gross_fen=1))
    with pytest.raises(TransitionError):
        baselines.propose_baseline(session, village.clerk, **facts)


def test_the_supplier_of_a_lot_is_that_of_its_product(village: Village) -> None:
    lot = village.opened(1_000)
    assert village.session.get_one(Organisation, lot.supplier_id) is village.supplier
