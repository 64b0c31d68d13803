from datetime import date
from uuid import uuid4

import pytest
import sqlalchemy as sa
from sqlalchemy import exc, orm

from market.benefits.rules import PlanNotApprovedError, PlanStatus
from market.catalog import service
from market.catalog.models import PriceTier, Product
from market.catalog.rules import (
    CategoryTakenError,
    ForeignCertificateError,
    InexactQuantityError,
    MandateMissingError,
    ProductStatus,
    SupplierClosedError,
    TierError,
    UnitMismatchError,
)
from market.certification.models import Application
from market.certification.rules import (
    CertificateExpiredError,
    CertificateStatus,
    CertificateSuspendedError,
    PriceAboveEvidenceError,
)
from market.errors import InvalidInputError, MarketError, NotFoundError, TransitionError
from market.identity.models import Organisation
from market.identity.rules import Actor, OrganisationKind
from market.quantities import Unit
from tests import factories

ON = date(2026, 3, 2)


@pytest.fixture
def supplier(session: orm.Session) -> Organisation:
    return factories.organisation(session)


@pytest.fixture
def clerk(session: orm.Session, supplier: Organisation) -> Actor:
    return factories.actor(session, factories.member(session, supplier))


def _tiers(session: orm.Session, product: Product) -> list[tuple[int, int]]:
    rows = session.execute(
        sa.select(PriceTier.from_milli, PriceTier.price_fen)
        .where(PriceTier.product_id == product.id)
        .order_by(PriceTier.from_milli)
    )
    return [(start, price) for start, price in rows]


def test_one_code_one_category(session: orm.Session) -> None:
    category = service.add_category(session, code="egg", name="禽蛋", needs_quality_certificate=True)
    assert category.needs_quality_certificate
    with pytest.raises(CategoryTakenError):
        service.add_category(session, code="egg", name="蛋", needs_quality_certificate=False)


def test_a_product_takes_unit_content_and_origin_from_what_was_certified(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    certificate = factories.certificate(session, supplier, unit=Unit.BOX, unit_milli=2_500)
    product = factories.product(session, supplier, certificate=certificate, minimum="2", tiers=[("2", 9_900)])
    assert (product.unit, product.unit_milli, product.base_unit) == ("box", 2_500, "kg")
    assert (product.minimum_milli, product.origin_code, product.first_price_fen) == (5_000, "141122", 9_900)
    assert service.own_product(session, clerk, product_id=product.id) is product


def _create(session: orm.Session, supplier: Organisation, clerk: Actor, **changed: object) -> Product:
    category = factories.category(session)
    certificate = factories.certificate(session, supplier, category_code=category.code)
    facts: dict[str, object] = {
        "certificate_id": certificate.id,
        "category_code": category.code,
        "unit": Unit.KG,
        "name": "骏枣",
        "specification": "一级",
        "description": "晾晒",
        "minimum": "10",
        "multiple": "5",
        "tax_bp": 900,
        "tiers": [("10", 100_000)],
    }
    return service.create_product(session, clerk, **(facts | changed))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "error", "pointer"),
    [
        ({"certificate_id": uuid4()}, NotFoundError, "/certificate_id"),
        ({"category_code": "other"}, ForeignCertificateError, "/category_code"),
        ({"unit": Unit.JIN}, UnitMismatchError, "/unit"),
        ({"minimum": "0.0001"}, InexactQuantityError, "/minimum"),
        ({"multiple": "0"}, InvalidInputError, "/multiple"),
        ({"minimum": "12"}, InvalidInputError, "/minimum"),
        ({"tiers": [("5", 100)]}, TierError, "/tiers/0/from_quantity"),
        ({"tiers": [("10", 100), ("10.00001", 90)]}, InexactQuantityError, "/tiers/1/from_quantity"),
        ({"tiers": [("10", 100), ("10", 90)]}, TierError, "/tiers/1/from_quantity"),
        ({"tiers": [("10", 100), ("20", 100_001)]}, PriceAboveEvidenceError, "/tiers/1/price_fen"),
    ],
)
def test_a_product_that_contradicts_its_certificate_or_itself_is_refused_at_the_input_at_fault(
    session: orm.Session,
    clerk: Actor,
    changed: dict[str, object],
    error: type[MarketError],
    pointer: str,
) -> None:
    supplier = session.get_one(Organisation, clerk.organisation_id)
    with pytest.raises(error) as refusal:
        _create(session, supplier, clerk, **changed)
    assert refusal.value.pointer == pointer


def test_a_price_may_equal_its_evidence(session: orm.Session, supplier: Organisation, clerk: Actor) -> None:
    assert _create(session, supplier, clerk).first_price_fen == 100_000


def test_another_suppliers_certificate_cannot_be_used(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    other = factories.organisation(session)
    with pytest.raises(ForeignCertificateError):
        _create(session, supplier, clerk, certificate_id=factories.certificate(session, other).id)


def test_another_suppliers_product_is_not_there_to_be_changed(session: orm.Session, clerk: Actor) -> None:
    product = factories.product(session, factories.organisation(session))
    for refused in (service.own_product, service.withdraw_product):
        with pytest.raises(NotFoundError):
            refused(session, clerk, product_id=product.id)


def test_an_edit_changes_what_is_given_moves_the_first_tier_and_counts_up(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    product = factories.product(session, supplier, tiers=[("1", 1_000), ("50", 900)])
    version = product.version
    service.edit_product(session, clerk, product=product, name="灰枣", minimum="20", multiple="10")
    assert (product.name, product.specification) == ("灰枣", "一级")
    assert (product.version, _tiers(session, product)) == (version + 1, [(20_000, 1_000), (50_000, 900)])
    found = sa.select(Product.id).where(Product.search.op("@@")(sa.text("'灰枣'::tsquery")))
    assert session.scalars(found).all() == [product.id]
    with pytest.raises(TierError):
        service.edit_product(session, clerk, product=product, minimum="50")


def test_steps_of_a_draft_without_prices_can_be_changed(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    product = factories.product(session, supplier, tiers=(), listed=False)
    service.edit_product(session, clerk, product=product, multiple="0.5", specification="二级", description="散装")
    assert (product.multiple_milli, product.minimum_milli) == (500, 1_000)


def test_a_product_follows_the_plan_with_which_it_was_certified(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    first, second = (factories.plan(session, supplier) for _ in range(2))
    certificate = factories.certificate(session, supplier, plan=first)
    category_code = session.get_one(Application, certificate.application_id).category_code
    product = _create(session, supplier, clerk, certificate_id=certificate.id, category_code=category_code)
    assert product.plan_id == first.id
    renewed = factories.certificate(session, supplier, plan=second, category_code=category_code)
    service.edit_product(session, clerk, product=product, certificate_id=renewed.id)
    assert product.plan_id == second.id, "with which it was reviewed anew"


def test_a_renewed_certificate_for_the_same_goods_is_linked(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    product = factories.product(session, supplier)
    renewed = factories.certificate(session, supplier, category_code=product.category_code)
    service.edit_product(session, clerk, product=product, certificate_id=renewed.id)
    assert product.certificate_id == renewed.id


def test_a_certificate_for_other_goods_or_with_a_lower_ceiling_is_not_linked(
    session: orm.Session, supplier: Organisation, clerk: Actor
) -> None:
    product = factories.product(session, supplier)
    in_jin = factories.certificate(
        session, supplier, category_code=product.category_code, unit=Unit.JIN, unit_milli=500
    )
    cheaper = factories.certificate(session, supplier, category_code=product.category_code, price_ceiling_fen=999)
    other_goods = factories.certificate(session, supplier)
    refusals = [
        (in_jin, ForeignCertificateError),
        (other_goods, ForeignCertificateError),
        (cheaper, PriceAboveEvidenceError),
    ]
    for certificate, error in refusals:
        with pytest.raises(error) as refusal:
            service.edit_product(session, clerk, product=product, certificate_id=certificate.id)
        assert refusal.value.pointer == "/certificate_id"


def test_prices_are_replaced_as_a_whole(session: orm.Session, supplier: Organisation) -> None:
    product = factories.product(session, supplier, tiers=[("1", 1_000), ("50", 900)])
    version = product.version
    service.set_tiers(session, product=product, tiers=[("1", 1_100), ("80.5", 800)])
    assert _tiers(session, product) == [(1_000, 1_100), (80_500, 800)]
    assert (product.first_price_fen, product.version) == (1_100, version + 1)
    with pytest.raises(TierError):
        service.set_tiers(session, product=product, tiers=[])


def test_a_product_goes_on_sale_off_it_and_on_again(session: orm.Session, supplier: Organisation, clerk: Actor) -> None:
    product = factories.product(session, supplier, listed=False)
    assert product.status is ProductStatus.DRAFT
    assert service.list_product(session, clerk, product_id=product.id, on=ON).status is ProductStatus.LISTED
    with pytest.raises(TransitionError):
        service.list_product(session, clerk, product_id=product.id, on=ON)
    assert service.withdraw_product(session, clerk, product_id=product.id).status is ProductStatus.WITHDRAWN
    with pytest.raises(TransitionError):
        service.withdraw_product(session, clerk, product_id=product.id)
    assert service.list_product(session, clerk, product_id=product.id, on=ON).version == 4


def test_a_product_without_prices_is_not_listed(session: orm.Session, supplier: Organisation, clerk: Actor) -> None:
    product = factories.product(session, supplier, tiers=(), listed=False)
    with pytest.raises(TierError):
        service.list_product(session, clerk, product_id=product.id, on=ON)


def test_only_what_could_be_sold_at_once_is_listed(session: orm.Session, supplier: Organisation, clerk: Actor) -> None:
    lapsed = factories.certificate(session, supplier, valid_to=date(2026, 3, 1))
    suspended = factories.certificate(session, supplier, status=CertificateStatus.SUSPENDED)
    drafted = factories.plan(session, supplier, status=PlanStatus.SUBMITTED)
    refusals = [
        (factories.product(session, supplier, certificate=lapsed, listed=False), CertificateExpiredError),
        (factories.product(session, supplier, certificate=suspended, listed=False), CertificateSuspendedError),
        (factories.product(session, supplier, plan=drafted, listed=False), PlanNotApprovedError),
    ]
    for product, error in refusals:
        with pytest.raises(error):
            service.list_product(session, clerk, product_id=product.id, on=ON)
        assert product.status is ProductStatus.DRAFT
    sound = factories.product(session, supplier, listed=False)
    supplier.active = False
    with pytest.raises(SupplierClosedError):
        service.list_product(session, clerk, product_id=sound.id, on=ON)


def test_a_trading_agent_lists_nothing_before_mandates_exist(session: orm.Session) -> None:
    agent = factories.organisation(session, kind=OrganisationKind.TRADING_AGENT)
    product = factories.product(session, agent, listed=False)
    with pytest.raises(MandateMissingError):
        service.list_product(
            session, factories.actor(session, factories.member(session, agent)), product_id=product.id, on=ON
        )


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"minimum_milli": 1_500, "multiple_milli": 1_000}, "minimum_can_be_ordered"),
        ({"multiple_milli": 0}, "steps_are_positive"),
        ({"first_price_fen": 0}, "listed_product_has_a_price"),
        ({"unit_milli": 0}, "unit_is_positive"),
        ({"tax_bp": 2_001}, "tax_is_plausible"),
    ],
)
def test_the_database_itself_refuses_a_product_that_contradicts_itself(
    session: orm.Session, supplier: Organisation, change: dict[str, int], rule: str
) -> None:
    product = factories.product(session, supplier)
    with pytest.raises(exc.IntegrityError, match=rule), session.begin_nested():
        session.execute(sa.update(Product).where(Product.id == product.id).values(change))
