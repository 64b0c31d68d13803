"""Certification and catalogue as events: applications, reviews, objections, batches, and what is sold under them."""

from collections.abc import Iterator
from datetime import datetime
from functools import partial

from sqlalchemy import orm

from market.catalog import service as catalog
from market.certification import listing
from market.certification import service as certification
from market.certification.rules import CertificateEvent, Decision, EvidenceKind, ReviewStep
from market.clock import business_date
from market.identity.rules import Permission, Role
from market.quantities import Unit
from market.seeding.known import Known
from market.seeding.reading import Row, Sample, day, fen, yes
from market.seeding.timeline import Event, Turn

_ROLE_OF = {
    ReviewStep.TOWNSHIP: Role.TOWNSHIP_REVIEWER,
    ReviewStep.TRADE: Role.TRADE_REVIEWER,
    ReviewStep.COUNTY: Role.COUNTY_REVIEWER,
}


def events(sample: Sample, known: Known) -> Iterator[Event]:
    """Return what happened to applications, certificates and products."""
    origin_of = {row["application"]: row["origin_code"] for row in sample.applications}
    for row in sample.applications:
        name = f"application {row['application']}"
        yield Event(day(row["applied_on"]), Turn.APPLICATION, name, partial(_apply, known, row))
    for row in sample.reviews:
        review = partial(_review, known, row, origin_of[row["application"]])
        yield Event(day(row["decided_on"]), Turn.REVIEW, f"review of {row['application']}", review)
    for row in sample.objections:
        name = f"objection to {row['application']}"
        yield Event(day(row["raised_on"]), Turn.OBJECTION, name, partial(_object, known, row))
        if row["settled_on"]:
            settle = partial(_settle, known, row, origin_of[row["application"]])
            yield Event(day(row["settled_on"]), Turn.OBJECTION, name, settle)
    for row in sample.batches:
        certified = [application for application in sample.applications if application["batch"] == row["batch"]]
        publish = partial(_publish, known, row, certified)
        yield Event(day(row["published_on"]), Turn.BATCH, f"batch {row['batch']}", publish)
    for row in sample.products:
        listed = partial(_list_product, known, row)
        yield Event(day(row["listed_on"]), Turn.PRODUCT, f"product {row['product']}", listed)
    for row in sample.certificate_changes:
        change = partial(_change, known, row, origin_of[row["application"]])
        yield Event(day(row["changed_on"]), Turn.CERTIFICATE, f"certificate of {row['application']}", change)


def _apply(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{row['supplier']}.clerk", Permission.APPLICATION_WRITE)
    application = certification.apply(
        session,
        clerk,
        plan_id=known.plans[row["plan"]],
        product_name=row["product_name"],
        specification=row["specification"],
        category_code=row["category"],
        origin_code=row["origin_code"],
        unit=Unit(row["unit"]),
        content=(row["content"], Unit(row["content_unit"])) if row["content"] else None,
        price_fen=fen(row["price_yuan"]),
        declared_value_fen=fen(row["declared_value_yuan"]),
        people_driven=int(row["people_driven"]),
        now=now,
    )
    certification.record_evidence(
        session,
        clerk,
        application_id=application.id,
        kind=EvidenceKind(row["evidence_kind"]),
        reference=row["evidence"],
        price_fen=fen(row["evidence_price_yuan"]),
        observed_on=day(row["observed_on"]),
        now=now,
    )
    known.applications[row["application"]] = application.id


def _review(known: Known, row: Row, origin_code: str, session: orm.Session, now: datetime) -> None:
    reviewer = known.officer(_ROLE_OF[ReviewStep(row["step"])], origin_code, Permission.APPLICATION_REVIEW)
    certification.review(
        session,
        reviewer,
        application_id=known.applications[row["application"]],
        decision=Decision(row["decision"]),
        opinion=row["opinion"],
        attachment_sha256=None,
        now=now,
    )


def _object(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    objection = certification.object_to(
        session,
        known.actor(row["objector"], Permission.OBJECTION_WRITE),
        application_id=known.applications[row["application"]],
        reason=row["reason"],
        now=now,
    )
    known.objections[row["application"]] = objection.id


def _settle(known: Known, row: Row, origin_code: str, session: orm.Session, now: datetime) -> None:
    certification.settle(
        session,
        known.officer(Role.COUNTY_REVIEWER, origin_code, Permission.OBJECTION_SETTLE),
        objection_id=known.objections[row["application"]],
        upheld=yes(row["upheld"]),
        settlement=row["settlement"],
        now=now,
    )


def _publish(known: Known, row: Row, certified: list[Row], session: orm.Session, now: datetime) -> None:
    """Publish a batch; a product that is already in the catalogue goes on under its renewed certificate."""
    publisher = known.actor(row["publisher"], Permission.BATCH_WRITE)
    application_ids = {known.applications[each["application"]]: each for each in certified}
    _, certificates = listing.publish_batch(session, publisher, application_ids=list(application_ids), now=now)
    for certificate in certificates:
        application = application_ids[certificate.application_id]
        known.certificates[application["application"]] = certificate.id
        product_id = known.products.get(application["product"])
        if product_id is not None:
            clerk = known.actor(f"{application['supplier']}.clerk", Permission.PRODUCT_WRITE)
            product = catalog.own_product(session, clerk, product_id=product_id)
            catalog.edit_product(session, clerk, product=product, certificate_id=certificate.id)


def _list_product(known: Known, row: Row, session: orm.Session, now: datetime) -> None:
    clerk = known.actor(f"{row['supplier']}.clerk", Permission.PRODUCT_WRITE)
    product = catalog.create_product(
        session,
        clerk,
        certificate_id=known.certificates[row["application"]],
        category_code=row["category"],
        unit=Unit(row["unit"]),
        name=row["name"],
        specification=row["specification"],
        description=row["description"],
        minimum=row["minimum"],
        multiple=row["multiple"],
        tax_bp=int(row["tax_bp"]),
        tiers=[_tier(tier) for tier in row["price_tiers_yuan"].split("|")],
    )
    catalog.list_product(session, clerk, product_id=product.id, on=business_date(now))
    known.products[row["product"]] = product.id


def _tier(text: str) -> tuple[str, int]:
    """Return `50:8.00` as the quantity from which a price holds, and the price in fen."""
    start, _, price_yuan = text.partition(":")
    return start, fen(price_yuan)


def _change(known: Known, row: Row, origin_code: str, session: orm.Session, now: datetime) -> None:
    listing.change(
        session,
        known.officer(Role.COUNTY_REVIEWER, origin_code, Permission.CERTIFICATE_WRITE),
        certificate_id=known.certificates[row["application"]],
        event=CertificateEvent(row["event"]),
        reason=row["reason"],
        now=now,
    )
