"""Plans, certificates, products, lots, and what households gave to them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.models import Plan, PlanSimulation, PlanVersion
from market.benefits.rules import (
    MECHANISMS,
    Measure,
    Mechanism,
    PlanBody,
    PlanStatus,
    PriceTerms,
    Pricing,
    plan_body,
)
from market.catalog import service as catalog
from market.catalog.models import Category, Product
from market.certification.models import Application, Batch, Certificate
from market.certification.rules import ApplicationStatus, CertificateStatus
from market.households.models import Household
from market.identifiers import reference_key
from market.identity.models import Organisation
from market.identity.rules import OrganisationKind, Role
from market.lots.models import Contribution, Lot
from market.lots.rules import LotStatus, Origin
from market.money import price_of
from market.quantities import BASE_OF, MeasuredIn, Unit
from tests.factories.people import LONG_AGO, actor, member, number, organisation


def plan(
    session: orm.Session,
    supplier: Organisation,
    *,
    body: PlanBody | None = None,
    status: PlanStatus = PlanStatus.APPROVED,
    valid_from: date = date(2020, 1, 1),
) -> Plan:
    """A benefit plan of the supplier with one version, approved unless told otherwise; it buys from households."""
    row = Plan(supplier_id=supplier.id, name=f"带农方案{number()}")
    session.add(row)
    session.flush()
    plan_version(session, row, body=body, status=status, valid_from=valid_from)
    return row


def plan_version(
    session: orm.Session,
    plan: Plan,
    *,
    number: int = 1,
    body: PlanBody | None = None,
    status: PlanStatus = PlanStatus.APPROVED,
    valid_from: date = date(2020, 1, 1),
) -> PlanVersion:
    """A version of a plan, approved by the supplier's county unless told otherwise."""
    supplier = session.get_one(Organisation, plan.supplier_id)
    body = body or PlanBody(lot_mechanisms=(Mechanism.ORDER_PURCHASE, Mechanism.LABOUR), pools=())
    decided = status in (PlanStatus.APPROVED, PlanStatus.REJECTED)
    county = organisation(session, kind=OrganisationKind.AGRICULTURE_DEPARTMENT, region_code=supplier.region_code[:6])
    row = PlanVersion(
        plan_id=plan.id,
        number=number,
        status=status,
        body=body.as_json(),
        canonical=body.canonical(),
        sha256=body.sha256(),
        valid_from=valid_from,
        made_by=member(session, supplier).id,
        made_at=LONG_AGO,
        decided_by=member(session, county, Role.COUNTY_REVIEWER).id if decided else None,
        decided_at=LONG_AGO if decided else None,
        opinion="同意" if decided else None,
    )
    session.add(row)
    session.flush()
    if status is PlanStatus.APPROVED:
        plan_simulation(session, row)
    return row


def plan_simulation(
    session: orm.Session, version: PlanVersion, *, status: PlanStatus = PlanStatus.SUBMITTED
) -> PlanSimulation:
    """What its maker was told of a version, when it was submitted unless told otherwise: nothing had been sold."""
    row = PlanSimulation(
        plan_version_id=version.id,
        version_status=status,
        made_by=version.made_by,
        made_at=version.made_at,
        since=version.made_at.date() - timedelta(days=364),
        until=version.made_at.date(),
        lines=0,
        of_other_plans=False,
        net_fen=0,
        households_gaining=0,
        gained_fen=0,
        households_losing=0,
        lost_fen=0,
        households_unchanged=0,
    )
    session.add(row)
    session.flush()
    return row


def category(
    session: orm.Session,
    *,
    code: str | None = None,
    name: str = "干果",
    needs_quality_certificate: bool = False,
    most_kg_per_mu: int | None = 3_000,
) -> Category:
    """A kind of product, with a code of its own unless given."""
    row = Category(
        code=code or f"c{number()}",
        name=name,
        needs_quality_certificate=needs_quality_certificate,
        most_kg_per_mu=most_kg_per_mu,
    )
    session.add(row)
    session.flush()
    return row


def application(
    session: orm.Session,
    supplier: Organisation,
    *,
    plan: Plan | None = None,
    category_code: str | None = None,
    unit: Unit = Unit.KG,
    unit_milli: int = 1_000,
    price_fen: int = 100_000,
    status: ApplicationStatus = ApplicationStatus.LISTED,
    notice_ends_on: date | None = None,
) -> Application:
    """An application of the supplier for a product of its own region, listed unless told otherwise."""
    row = Application(
        supplier_id=supplier.id,
        plan_id=(plan or make_plan(session, supplier)).id,
        product_name="骏枣",
        specification="一级",
        category_code=category_code or category(session).code,
        origin_code=supplier.region_code,
        unit=unit,
        unit_milli=unit_milli,
        base_unit=BASE_OF.get(unit, Unit.KG),
        price_fen=price_fen,
        declared_value_fen=10**9,
        people_driven=30,
        status=status,
        made_by=member(session, supplier).id,
        made_at=LONG_AGO,
        notice_ends_on=notice_ends_on,
    )
    session.add(row)
    session.flush()
    return row


def certificate(
    session: orm.Session,
    supplier: Organisation,
    *,
    plan: Plan | None = None,
    category_code: str | None = None,
    unit: Unit = Unit.KG,
    unit_milli: int = 1_000,
    price_ceiling_fen: int = 100_000,
    status: CertificateStatus = CertificateStatus.VALID,
    valid_from: date = date(2020, 1, 1),
    valid_to: date = date(2199, 12, 31),
    batch: Batch | None = None,
) -> Certificate:
    """A certificate of the supplier with the application behind it, in a batch of its own unless given."""
    county_code = supplier.region_code[:6]
    if batch is None:
        publisher = member(session, supplier)
        batch = Batch(county_code=county_code, number=number(), published_on=valid_from, published_by=publisher.id)
        session.add(batch)
    certified = application(
        session,
        supplier,
        plan=plan,
        category_code=category_code,
        unit=unit,
        unit_milli=unit_milli,
        price_fen=price_ceiling_fen,
    )
    row = Certificate(
        number=f"{county_code}-T-{number()}",
        application_id=certified.id,
        batch_id=batch.id,
        supplier_id=supplier.id,
        status=status,
        valid_from=valid_from,
        valid_to=valid_to,
        price_ceiling_fen=price_ceiling_fen,
    )
    session.add(row)
    session.flush()
    return row


def product(
    session: orm.Session,
    supplier: Organisation,
    *,
    certificate: Certificate | None = None,
    plan: Plan | None = None,
    category_code: str | None = None,
    name: str = "骏枣",
    specification: str = "一级",
    description: str = "自然晾晒",
    unit: Unit = Unit.KG,
    unit_milli: int = 1_000,
    minimum: str = "1",
    multiple: str = "1",
    tax_bp: int = 900,
    weight_tolerance_bp: int | None = None,
    tiers: Sequence[tuple[str, int]] = (("1", 1_000),),
    listed: bool = True,
) -> Product:
    """A product of the supplier, by the services: on sale by 1 kg at 10 yuan unless told otherwise."""
    certificate = certificate or make_certificate(
        session, supplier, plan=plan, category_code=category_code, unit=unit, unit_milli=unit_milli
    )
    certified = session.get_one(Application, certificate.application_id)
    clerk = actor(session, member(session, supplier))
    row = catalog.create_product(
        session,
        clerk,
        certificate_id=certificate.id,
        category_code=certified.category_code,
        unit=Unit(certified.unit),
        name=name,
        specification=specification,
        description=description,
        minimum=minimum,
        multiple=multiple,
        tax_bp=tax_bp,
        weight_tolerance_bp=weight_tolerance_bp,
        tiers=tiers,
    )
    if listed:
        catalog.list_product(session, clerk, product_id=row.id, on=certificate.valid_from)
    return row


def lot(
    session: orm.Session,
    product: Product,
    *,
    quantity_milli: int = 100_000,
    status: LotStatus = LotStatus.OPEN,
    produced_on: date = date(2026, 1, 5),
    expires_on: date | None = None,
    bought_in_milli: int = 0,
    area_milli_mu: int | None = None,
) -> Lot:
    """A lot of the product, on sale unless told otherwise; its maker and its opener are two members."""
    supplier = session.get_one(Organisation, product.supplier_id)
    opened_by = None if status is LotStatus.DRAFT else member(session, supplier, Role.SUPPLIER_MANAGER).id
    row = Lot(
        number=f"L-TEST-{number()}",
        product_id=product.id,
        supplier_id=product.supplier_id,
        status=status,
        origin=Origin.PRODUCED,
        produced_on=produced_on,
        expires_on=expires_on,
        origin_code=product.origin_code,
        area_milli_mu=area_milli_mu,
        base_unit=BASE_OF.get(Unit(product.unit), Unit.KG),
        quality_certificate=None,
        quality_certificate_key=None,
        quantity_milli=quantity_milli,
        bought_in_milli=bought_in_milli,
        loss_milli=0,
        available_milli=quantity_milli,
        made_by=member(session, supplier, Role.SUPPLIER_CLERK).id,
        made_at=LONG_AGO,
        opened_by=opened_by,
        opened_at=LONG_AGO if opened_by else None,
    )
    session.add(row)
    session.flush()
    return row


def _version(session: orm.Session, plan_id: UUID, proceeds_bp: int | None) -> PlanVersion:
    """The first version of a plan, or the one by which consigned produce has these basis points, made if need be."""
    versions = sa.select(PlanVersion).where(PlanVersion.plan_id == plan_id).order_by(PlanVersion.number)
    first, *later = session.scalars(versions)
    if proceeds_bp is None:
        return first
    terms = PriceTerms(Mechanism.CONSIGNMENT, Pricing.PROCEEDS, bp=proceeds_bp)
    body = plan_body(first.body)
    body = replace(body, lot_mechanisms=(*body.lot_mechanisms, Mechanism.CONSIGNMENT), terms=(*body.terms, terms))
    for version in later:
        if version.sha256 == body.sha256():
            return version
    return plan_version(session, session.get_one(Plan, plan_id), number=len(later) + 2, body=body)


_COUNTED_IN = {Measure.HOURS: MeasuredIn.HOUR, Measure.PIECES: MeasuredIn.PIECE, Measure.AREA: MeasuredIn.MU}


def contribution(
    session: orm.Session,
    lot: Lot,
    household: Household,
    *,
    mechanism: Mechanism = Mechanism.ORDER_PURCHASE,
    measure: Measure | None = None,
    measure_milli: int = 10_000,
    unit_price_fen: int = 600,
    amount_fen: int | None = None,
    proceeds_bp: int | None = None,
    market_price_fen: int | None = None,
    delivered_on: date = date(2026, 1, 4),
) -> Contribution:
    """What a household gave to a lot: 10 kg (or hours) at 6 yuan unless told otherwise; an amount is for all of it.

    With `proceeds_bp` it is consigned: without price and amount, by a version of the plan that says so.
    """
    price_unit_milli = 1_000
    if amount_fen is not None:
        unit_price_fen, price_unit_milli = amount_fen, measure_milli
    measure = measure or MECHANISMS[mechanism].measures[0]
    plan_id = session.get_one(Product, lot.product_id).plan_id
    row = Contribution(
        lot_id=lot.id,
        household_id=household.id,
        mechanism=Mechanism.CONSIGNMENT if proceeds_bp else mechanism,
        measure=measure,
        measured_in=_COUNTED_IN.get(measure, MeasuredIn(lot.base_unit.value)),
        measure_milli=measure_milli,
        unit_price_fen=None if proceeds_bp else unit_price_fen,
        price_unit_milli=None if proceeds_bp else price_unit_milli,
        amount_fen=None if proceeds_bp else price_of(unit_price_fen, measure_milli, price_unit_milli),
        proceeds_bp=proceeds_bp,
        market_price_fen=market_price_fen,
        market_source="批发市场日报价" if market_price_fen else None,
        market_on=delivered_on if market_price_fen else None,
        delivered_on=delivered_on,
        plan_version_id=_version(session, plan_id, proceeds_bp).id,
        evidence=(slip := f"收购单-{number()}"),
        slip_key=reference_key(slip) if measure is Measure.QUANTITY else None,
        carried_from=None,
        made_by=lot.made_by,
    )
    session.add(row)
    session.flush()
    return row


make_plan, make_certificate = plan, certificate
"""The same by names that a keyword does not hide."""
