from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.benefits.rules import PlanNotApprovedError
from market.catalog import rules
from market.catalog.rules import (
    BelowMinimumError,
    InexactQuantityError,
    NotAMultipleError,
    NotListedError,
    Offer,
    ProductEvent,
    ProductStatus,
    SupplierClosedError,
    TierError,
    UnitMismatchError,
)
from market.certification.rules import CertificateExpiredError, CertificateStatus, CertificateSuspendedError
from market.errors import InvalidInputError, MarketError
from market.quantities import Unit

ON = date(2026, 3, 2)
OFFER = Offer(
    product_id=UUID(int=1),
    supplier_id=UUID(int=2),
    supplier_name="富山合作社",
    supplier_active=True,
    name="红薯",
    specification="一级",
    category_code="tuber",
    needs_quality_certificate=True,
    unit="jin",
    unit_milli=500,
    minimum_milli=5_000,
    multiple_milli=2_500,
    weight_tolerance_bp=None,
    tax_bp=900,
    status=ProductStatus.LISTED,
    tiers=((5_000, 120), (50_000, 110)),
    certificate_id=UUID(int=3),
    certificate_number="141122-1-1",
    certificate_status=CertificateStatus.VALID,
    certificate_valid_from=ON,
    certificate_valid_to=ON,
    plan_id=UUID(int=4),
    plan_version_id=UUID(int=5),
    plan_sha256="0" * 64,
)


def test_only_what_the_table_says_happens_to_a_product() -> None:
    happens = {
        (status, event): rules.TRANSITIONS.get((status, event)) for status in ProductStatus for event in ProductEvent
    }
    assert happens == {
        (ProductStatus.DRAFT, ProductEvent.LIST): ProductStatus.LISTED,
        (ProductStatus.DRAFT, ProductEvent.WITHDRAW): None,
        (ProductStatus.LISTED, ProductEvent.LIST): None,
        (ProductStatus.LISTED, ProductEvent.WITHDRAW): ProductStatus.WITHDRAWN,
        (ProductStatus.WITHDRAWN, ProductEvent.LIST): ProductStatus.LISTED,
        (ProductStatus.WITHDRAWN, ProductEvent.WITHDRAW): None,
    }


def test_a_listed_product_with_everything_behind_it_is_sellable_on_the_first_and_last_day_of_its_certificate() -> None:
    rules.check_sellable(OFFER, ON)


@pytest.mark.parametrize(
    ("offer", "error"),
    [
        (replace(OFFER, status=ProductStatus.DRAFT), NotListedError),
        (replace(OFFER, status=ProductStatus.WITHDRAWN), NotListedError),
        (replace(OFFER, supplier_active=False), SupplierClosedError),
        (replace(OFFER, certificate_status=CertificateStatus.SUSPENDED), CertificateSuspendedError),
        (replace(OFFER, certificate_status=CertificateStatus.REVOKED), CertificateSuspendedError),
        (replace(OFFER, certificate_valid_from=date(2026, 3, 3)), CertificateExpiredError),
        (replace(OFFER, certificate_valid_to=date(2026, 3, 1)), CertificateExpiredError),
        (replace(OFFER, plan_version_id=None), PlanNotApprovedError),
    ],
)
def test_a_product_is_not_sellable_when_one_thing_is_amiss_and_the_refusal_names_it(
    offer: Offer, error: type[MarketError]
) -> None:
    with pytest.raises(error) as refusal:
        rules.check_sellable(offer, ON)
    assert refusal.value.detail("zh")
    assert refusal.value.detail("en")


def test_the_tier_with_the_largest_quantity_not_above_the_ordered_one_sets_the_price() -> None:
    assert [rules.price_at(OFFER.tiers, milli) for milli in (5_000, 49_999, 50_000, 10**9)] == [120, 120, 110, 110]
    assert rules.price_at(OFFER.tiers[::-1], 50_000) == 110


def _check(quantity_milli: int) -> None:
    rules.check_quantity(quantity_milli, minimum_milli=5_000, multiple_milli=2_500, unit="jin", unit_milli=500)


def test_an_order_is_at_least_the_minimum_and_in_whole_multiples() -> None:
    _check(5_000)
    _check(7_500)
    with pytest.raises(BelowMinimumError, match="minimum of 10 jin"):
        _check(2_500)
    with pytest.raises(NotAMultipleError, match="multiple of 5 jin"):
        _check(5_001)


def test_a_quantity_that_the_unit_cannot_express_is_refused_at_its_place() -> None:
    assert rules.milli_of("10", 500, pointer="/minimum") == 5_000
    for quantity in ("0.0001", "1e3", "9999999999"):
        with pytest.raises(InexactQuantityError) as refusal:
            rules.milli_of(quantity, 10_000 if quantity == "9999999999" else 500, pointer="/minimum")
        assert refusal.value.pointer == "/minimum"


@pytest.mark.parametrize(
    ("minimum", "multiple", "pointer"),
    [(0, 1, "/minimum"), (5, 2, "/minimum"), (1, 2, "/minimum"), (5, 0, "/multiple")],
)
def test_a_minimum_that_cannot_itself_be_ordered_is_refused(minimum: int, multiple: int, pointer: str) -> None:
    with pytest.raises(InvalidInputError) as refusal:
        rules.check_steps(minimum, multiple)
    assert refusal.value.pointer == pointer


def test_a_minimum_of_whole_multiples_is_taken() -> None:
    rules.check_steps(6, 2)


@pytest.mark.parametrize(
    ("tiers", "pointer"),
    [
        ([], "/tiers"),
        ([(2, 9)], "/tiers/0/from_quantity"),
        ([(1, 9), (3, 8), (3, 7)], "/tiers/2/from_quantity"),
        ([(1, 9), (3, 8), (2, 7)], "/tiers/2/from_quantity"),
    ],
)
def test_tiers_that_do_not_rise_from_the_minimum_are_refused(tiers: list[tuple[int, int]], pointer: str) -> None:
    with pytest.raises(TierError) as refusal:
        rules.check_tiers(tiers, 1)
    assert refusal.value.pointer == pointer


def test_tiers_that_rise_from_the_minimum_are_taken_whatever_their_prices() -> None:
    rules.check_tiers([(1, 9), (3, 10)], 1)


def test_the_first_tier_moves_with_the_minimum_but_never_reaches_the_second() -> None:
    assert rules.moved_to_minimum([(1, 9), (5, 8)], 4) == [(4, 9), (5, 8)]
    assert rules.moved_to_minimum([(1, 9)], 100) == [(100, 9)]
    with pytest.raises(TierError):
        rules.moved_to_minimum([(1, 9), (5, 8)], 5)


@given(st.integers(1, 10**9), st.integers(1, 10**4), st.integers(1, 10**9), st.integers(1, 10**4))
def test_a_price_is_compared_with_its_evidence_as_exact_fractions(
    price: int, unit: int, ceiling: int, ceiling_unit: int
) -> None:
    # in units so fine that both divisions leave no rest
    finer = unit * ceiling_unit
    assert rules.within_ceiling(price, unit, ceiling, ceiling_unit) == (
        price * finer // unit <= ceiling * finer // ceiling_unit
    )


@pytest.mark.parametrize(("price_fen", "within"), [(119, True), (120, True), (121, False)])
def test_a_price_per_jin_is_within_what_is_evidenced_per_kilogramme(price_fen: int, *, within: bool) -> None:
    assert rules.within_ceiling(price_fen, 500, 240, 1_000) is within


def test_a_product_is_ordered_in_its_own_unit_or_by_mass_where_it_is_sold_by_mass() -> None:
    assert rules.milli_in("kg", replace(OFFER, unit="jin", unit_milli=500)) == 1_000
    assert rules.milli_in("box", replace(OFFER, unit="box", unit_milli=12_000)) == 12_000
    with pytest.raises(UnitMismatchError):
        rules.milli_in("kg", replace(OFFER, unit="piece", unit_milli=1_000))


@pytest.mark.parametrize("unit", Unit)
def test_only_what_is_sold_by_mass_is_settled_by_its_weight(unit: Unit) -> None:
    if unit in {"kg", "g", "t", "jin", "liang"}:
        rules.check_weighed(unit)
    else:
        with pytest.raises(InvalidInputError) as refusal:
            rules.check_weighed(unit)
        assert refusal.value.pointer == "/weight_tolerance_bp"
