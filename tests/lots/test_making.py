"""Splitting, merging, repacking, processing: nothing is lost on the way but what is declared."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.db import Database
from market.errors import InvalidInputError
from market.lots import making, opening, registering
from market.lots.lineage import InflatedLotError, InputLotError, NotCoveredError
from market.lots.models import Contribution, Lot
from market.lots.rules import (
    LotStatus,
    OutOfStockError,
    RepeatedEvidenceError,
    ReusedQualityCertificateError,
)
from market.quantities import (
    MeasuredIn,
    Unit,
)
from tests import factories
from tests.lots.village import NOW, TODAY, Village


@pytest.fixture
def village(session: orm.Session) -> Village:
    return Village(session)


def split(village: Village, lot: Lot, *quantities_milli: int, measured_in: MeasuredIn = MeasuredIn.KG) -> list[Lot]:
    return making.split(
        village.session,
        village.clerk,
        lot_id=lot.id,
        quantities_milli=quantities_milli,
        measured_in=measured_in,
        now=NOW,
    )


def merged(village: Village, *parts: tuple[Lot, int]) -> Lot:
    inputs = [(lot.id, milli) for lot, milli in parts]
    return making.merge(village.session, village.clerk, inputs=inputs, measured_in=MeasuredIn.KG, now=NOW)


def repacked(village: Village, lot: Lot, quantity_milli: int, loss_milli: int = 0) -> Lot:
    return making.repack(
        village.session,
        village.clerk,
        lot_id=lot.id,
        quantity_milli=quantity_milli,
        loss_milli=loss_milli,
        measured_in=MeasuredIn.KG,
        now=NOW,
    )


def put_on_sale(village: Village, *lots: Lot) -> None:
    for lot in lots:
        opening.open_lot(village.session, village.manager, lot_id=lot.id, now=NOW)


def held(session: orm.Session, *lots: Lot) -> tuple[int, int]:
    """Return the measure (milli-units) and the fen that lots have of households, together."""
    totals = sa.select(sa.func.sum(Contribution.measure_milli), sa.func.sum(Contribution.amount_fen))
    found = session.execute(totals.where(Contribution.lot_id.in_([lot.id for lot in lots]))).one()
    return int(found[0] or 0), int(found[1] or 0)


def test_the_parts_of_a_lot_hold_all_of_it_to_the_gram_and_the_fen(session: orm.Session, village: Village) -> None:
    @settings(max_examples=30, deadline=None)
    @given(
        given_milli=st.lists(st.integers(2, 5_000), min_size=3, max_size=3),
        price_fen=st.integers(1, 99_999),
        cuts=st.lists(st.integers(1, 14_999), min_size=0, max_size=6, unique=True),
    )
    def to_the_last(given_milli: list[int], price_fen: int, cuts: list[int]) -> None:
        whole = sum(given_milli) + 1_000
        source = village.draft(whole, bought_in_milli=1_000)
        brought = zip(village.households, given_milli, strict=True)
        rows = village.record(source, *(village.gives(each, milli, price_fen + 400) for each, milli in brought))
        put_on_sale(village, source)
        ends = sorted({cut for cut in cuts if cut < whole} | {whole})
        lots = split(village, source, *(end - begin for begin, end in zip([0, *ends], ends, strict=False)))
        assert held(session, *lots) == (sum(given_milli), sum(row.amount_fen or 0 for row in rows))
        session.refresh(source)
        assert (source.available_milli, source.moved_milli, source.draws) == (0, whole, len(lots))
        for lot in lots:
            for kept in session.scalars(sa.select(Contribution).where(Contribution.lot_id == lot.id)):
                of = session.get_one(Contribution, kept.carried_from)
                part = Fraction(lot.quantity_milli, whole)
                assert abs((kept.amount_fen or 0) - (of.amount_fen or 0) * part) < 1
                assert abs(kept.measure_milli - of.measure_milli * part) < 1

    to_the_last()


def test_a_part_is_as_old_as_its_lot_and_the_rest_stays(village: Village) -> None:
    expires_on = TODAY + timedelta(days=30)
    source = village.opened(3_000, expires_on=expires_on, origin_code="141122106201")
    (part,) = split(village, source, 1_000)
    assert (part.status, part.origin, part.product_id) == (LotStatus.DRAFT, "split", source.product_id)
    assert (part.produced_on, part.expires_on, part.origin_code) == (TODAY, expires_on, "141122106201")
    village.session.refresh(source)
    assert source.available_milli == 2_000
    put_on_sale(village, part)
    assert examine(village.session) == []


def test_of_a_split_the_last_part_is_discarded_first(village: Village) -> None:
    source = village.opened(3_000)
    whole = held(village.session, source)
    lots = split(village, source, 1_000, 1_500)
    for lot in reversed(lots):
        opening.discard(village.session, village.clerk, lot_id=lot.id)
    again = split(village, source, 2_999, 1)
    assert held(village.session, *again) == whole
    assert examine(village.session) == []


def test_nothing_is_split_that_is_not_there(village: Village) -> None:
    source = village.opened(1_000)
    for quantities, refusal, pointer in (
        ((600, 401), OutOfStockError, "/parts/1"),
        ((600, 0), InvalidInputError, "/parts/1"),
    ):
        with pytest.raises(refusal) as refused:
            split(village, source, *quantities)
        assert refused.value.pointer == pointer


def test_a_merged_lot_is_as_old_as_the_oldest_and_comes_from_where_all_lie(village: Village) -> None:
    session = village.session
    soon, later = TODAY + timedelta(days=5), TODAY + timedelta(days=50)
    first = village.opened(3_000, produced_on=TODAY - timedelta(days=9), expires_on=later, origin_code="141122106201")
    second = village.opened(1_000, expires_on=soon, origin_code="141122106202")
    third = village.opened(600, origin_code="141122106202")
    lot = merged(village, (first, 1_500), (second, 1_000), (third, 600))
    assert (lot.origin, lot.quantity_milli, lot.loss_milli) == ("merged", 3_100, 0)
    assert (lot.produced_on, lot.expires_on, lot.origin_code) == (first.produced_on, soon, "141122106")
    # Half of the first, all of the others: every kilogram is 6 yuan.
    assert held(session, lot) == (3_100, 1_860)
    put_on_sale(village, lot)
    assert examine(session) == []


def test_only_lots_of_one_product_are_merged_and_others_processed(session: orm.Session, village: Village) -> None:
    first = village.opened(1_000)
    village.product = factories.product(session, village.supplier)
    second = village.opened(1_000)
    with pytest.raises(InputLotError) as refused:
        merged(village, (first, 1_000), (second, 1_000))
    assert refused.value.pointer == "/inputs/1/lot_id"
    lot = village.draft(1_500, loss_milli=500, inputs=[(first.id, 1_000), (second.id, 1_000)])
    assert (lot.origin, held(session, lot)) == ("processed", (2_000, 1_200))
    put_on_sale(village, lot)


def test_a_repacked_lot_holds_what_was_taken_less_what_was_lost_and_all_that_households_gave(village: Village) -> None:
    source = village.opened(3_000)
    lot = repacked(village, source, 1_500, 100)
    assert (lot.origin, lot.quantity_milli, lot.loss_milli) == ("repacked", 1_400, 100)
    assert held(village.session, lot) == (1_500, 900)
    put_on_sale(village, lot)
    with pytest.raises(InvalidInputError):
        repacked(village, source, 100, 100)
    assert examine(village.session) == []


def test_a_kilogram_more_than_went_in_or_less_without_loss_is_refused(village: Village) -> None:
    first, second, _ = village.households
    for brought, refusal in ((999, NotCoveredError), (1_001, InflatedLotError)):
        lot = village.draft(1_500, bought_in_milli=600, loss_milli=100)
        village.record(lot, village.gives(first, brought - 400), village.gives(second, 400))
        with pytest.raises(refusal), village.session.begin_nested():
            put_on_sale(village, lot)
    one_more = village.draft(1_000)
    village.record(one_more, *village.brought(1_000))
    village.record(one_more, village.works(first, 3_000))
    put_on_sale(village, one_more)


def test_fresh_mushrooms_become_boxes_and_their_households_go_along(session: orm.Session, village: Village) -> None:
    fresh = village.opened(600_000)
    boxes = factories.product(session, village.supplier, unit=Unit.PIECE, unit_milli=1_000)
    packed: dict[str, Any] = {"product_id": boxes.id, "measured_in": MeasuredIn.PIECE, "went_in": MeasuredIn.KG}
    lot = village.draft(1_600_000, **packed, content_milli=250, loss_milli=200_000, inputs=[(fresh.id, 600_000)])
    assert (lot.base_unit, lot.origin, held(session, lot)) == ("piece", "processed", (600_000, 360_000))
    put_on_sale(village, lot)
    first, second = split(village, lot, 1_000_000, 600_000, measured_in=MeasuredIn.PIECE)
    assert held(session, first, second) == (600_000, 360_000)
    measured = session.scalars(sa.select(Contribution.measured_in).where(Contribution.lot_id == second.id))
    assert set(measured) == {MeasuredIn.KG}
    put_on_sale(village, first, second)
    assert examine(session) == []


def test_sheep_become_mutton_by_the_weight_of_a_sheep(session: orm.Session, village: Village) -> None:
    village.product = factories.product(session, village.supplier, unit=Unit.PIECE, unit_milli=1_000)
    sheep = village.draft(30_000, measured_in=MeasuredIn.PIECE, bought_in_milli=30_000)
    put_on_sale(village, sheep)
    mutton = factories.product(session, village.supplier)
    made: dict[str, Any] = {"product_id": mutton.id, "went_in": MeasuredIn.PIECE, "content_milli": 40_000}
    lot = village.draft(180_000, **made, loss_milli=220_000, inputs=[(sheep.id, 10_000)])
    put_on_sale(village, lot)
    assert examine(session) == []


def test_one_quality_certificate_never_serves_two_lots_even_at_once(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        village = Village(session)
        clerk, lots = village.clerk, [village.draft(1_000).id for _ in range(2)]

    def attach(lot_id: Any) -> bool:
        try:
            with committed_db.transaction() as session:
                registering.attach_quality_certificate(session, clerk, lot_id=lot_id, number="HGZ-1")
        except ReusedQualityCertificateError:
            return False
        return True

    with ThreadPoolExecutor(2) as clerks:
        assert sorted(clerks.map(attach, lots)) == [False, True]


def test_a_certificate_of_a_discarded_draft_is_free_again_and_others_are_kept(village: Village) -> None:
    session = village.session
    mistake, lot = village.draft(1_000), village.draft(1_000)
    for each in (mistake, lot):
        registering.attach_quality_certificate(session, village.clerk, lot_id=each.id, number="HGZ-1")
        if each is mistake:
            opening.discard(session, village.clerk, lot_id=mistake.id)
    with pytest.raises(sa.exc.ProgrammingError, match="permission denied"), session.begin_nested():
        session.execute(sa.delete(Lot).where(Lot.id == lot.id))


def test_a_slip_is_recorded_once_for_a_household(village: Village) -> None:
    lot = village.draft(2_000)
    slip = village.gives(village.households[0], 1_000)
    village.record(lot, slip)
    with pytest.raises(RepeatedEvidenceError) as refused:
        village.record(lot, village.gives(village.households[0], 500), slip)
    assert refused.value.pointer == "/contributions/1/evidence"
    sheet = [village.works(household, 1_000) for household in village.households]
    assert len({work.evidence for work in sheet}) == 1
    village.record(lot, *sheet)


def test_a_slip_of_produce_counts_for_one_household_and_one_lot_of_its_supplier(village: Village) -> None:
    first, second = village.draft(2_000), village.draft(2_000)
    slip = village.gives(village.households[0], 1_000)
    village.record(first, slip)
    again = slip.evidence.replace("-", " ")
    for lot, household, evidence in (
        (first, village.households[1], slip.evidence),
        (second, village.households[0], slip.evidence),
        (second, village.households[1], again),
    ):
        twice = replace(village.gives(household, 500), evidence=evidence)
        with pytest.raises(RepeatedEvidenceError):
            village.record(lot, twice)
    opening.discard(village.session, village.clerk, lot_id=first.id)
    village.record(second, slip)
    sheet = [village.works(household, 1_000) for household in village.households]
    for lot in (second, village.draft(1_000)):
        village.record(lot, *sheet)


def test_two_who_take_all_of_a_lot_at_once_cannot_both_have_it(committed_db: Database) -> None:
    with committed_db.transaction() as session:
        village = Village(session, households=1)
        source = village.opened(1_000)
        lot_id, clerk, owed = source.id, village.clerk, held(session, source)

    def take(which: int) -> bool:
        asked: dict[str, Any] = {"lot_id": lot_id, "measured_in": MeasuredIn.KG, "now": NOW}
        try:
            with committed_db.transaction() as session:
                if which:
                    making.split(session, clerk, quantities_milli=[400, 600], **asked)
                else:
                    making.repack(session, clerk, quantity_milli=700, loss_milli=0, **asked)
        except OutOfStockError:
            return False
        return True

    with ThreadPoolExecutor(2) as clerks:
        assert sorted(clerks.map(take, range(2))) == [False, True]
    with committed_db.transaction() as session:
        made = list(session.scalars(sa.select(Lot).where(Lot.origin.in_(["split", "repacked"]))))
        moved = sum(lot.quantity_milli for lot in made)
        assert moved in (700, 1_000)
        assert held(session, *made) == (moved, moved * 600 // 1_000)
        assert owed == (1_000, 600)


def test_the_number_of_statements_does_not_grow_with_the_parts(session: orm.Session) -> None:
    counts = []
    for parts, households in ((1, 1), (20, 8)):
        village = Village(session, households=households)
        lot = village.opened(20_000)
        statements: list[str] = []

        def seen(*call: Any, into: list[str] = statements) -> None:
            into.append(call[2])

        sa.event.listen(session.connection(), "before_cursor_execute", seen)
        split(village, lot, *[20_000 // parts] * parts)
        sa.event.remove(session.connection(), "before_cursor_execute", seen)
        counts.append(len(statements))
    assert counts[0] == counts[1] == 5
