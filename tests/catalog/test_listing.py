"""What the listing shows is what an order would be taken for."""

import itertools
from collections.abc import Callable
from datetime import date
from uuid import uuid4

from sqlalchemy import orm

from market.benefits.models import Plan
from market.benefits.rules import PlanStatus
from market.catalog import queries
from market.catalog.models import Product
from market.catalog.rules import Offer, ProductStatus, Sort, check_sellable
from market.certification.rules import CertificateStatus
from market.errors import MarketError
from market.identity.models import Organisation
from tests import factories

FIRST, LAST = date(2026, 3, 2), date(2026, 3, 31)
DAYS = (date(2026, 3, 1), FIRST, LAST, date(2026, 4, 1))


def _plans(session: orm.Session, supplier: Organisation) -> list[Plan]:
    in_force = [factories.plan(session, supplier, status=status) for status in PlanStatus]
    return [*in_force, factories.plan(session, supplier, valid_from=LAST)]


def _allows(rule: Callable[[Offer, date], None], offer: Offer, on: date) -> bool:
    try:
        rule(offer, on)
    except MarketError:
        return False
    return True


def _disagreements(session: orm.Session, rule: Callable[[Offer, date], None]) -> tuple[int, int, int]:
    """Try every state of one product on four days: how often SQL and the rule agree on yes, on no, and disagree."""
    supplier = factories.organisation(session)
    plans = _plans(session, supplier)
    certificate = factories.certificate(session, supplier, valid_from=FIRST, valid_to=LAST)
    product = factories.product(session, supplier, certificate=certificate)
    actor = factories.actor(session, factories.member(session, supplier))
    outcomes = {(True, True): 0, (False, False): 0, (True, False): 0, (False, True): 0}
    states = itertools.product(ProductStatus, (True, False), CertificateStatus, plans)
    for product.status, supplier.active, certificate.status, plan in states:
        product.plan_id = plan.id
        session.flush()
        for on in DAYS:
            shown = queries.listing(
                session.connection(), actor, filters={}, sort=Sort.NAME, after=None, limit=20, on=on
            )
            offer = queries.offers_for(session, [product.id], on)[product.id]
            outcomes[str(product.id) in shown, _allows(rule, offer, on)] += 1
    return outcomes[True, True], outcomes[False, False], outcomes[True, False] + outcomes[False, True]


def test_a_product_is_listed_exactly_when_an_order_for_it_would_be_taken(session: orm.Session) -> None:
    yes, no, disagreements = _disagreements(session, check_sellable)
    # listed, active, valid: two days with the plan long approved, one with the plan in force from the last day on
    assert (yes, no, disagreements) == (3, 3 * 2 * 3 * 5 * 4 - 3, 0)


def test_a_rule_that_forgets_the_plan_is_caught_by_that_comparison(session: orm.Session) -> None:
    def forgetful(offer: Offer, on: date) -> None:
        if offer.plan_version_id is not None:
            check_sellable(offer, on)

    assert _disagreements(session, forgetful)[2] > 0


def test_offers_carry_all_that_an_order_pins_and_leave_out_unknown_products(session: orm.Session) -> None:
    supplier = factories.organisation(session, name="富山合作社")
    product = factories.product(session, supplier, minimum="10", multiple="5", tiers=[("10", 1_280), ("100", 1_100)])
    unknown = uuid4()
    offers = queries.offers_for(session, [product.id, unknown], FIRST)
    assert list(offers) == [product.id]
    offer = offers[product.id]
    assert offer.tiers == ((10_000, 1_280), (100_000, 1_100))
    assert (offer.supplier_name, offer.minimum_milli, offer.multiple_milli) == ("富山合作社", 10_000, 5_000)
    assert (offer.status, offer.certificate_status) == (ProductStatus.LISTED, CertificateStatus.VALID)
    assert offer.plan_sha256 is not None
    assert len(offer.plan_sha256) == 64


def test_of_several_approved_plan_versions_the_latest_in_force_is_pinned(session: orm.Session) -> None:
    supplier = factories.organisation(session)
    product = factories.product(session, supplier)
    factories.plan_version(session, session.get_one(Plan, product.plan_id), number=2, valid_from=FIRST)
    before, after = (queries.offers_for(session, [product.id], on)[product.id] for on in DAYS[:2])
    assert before.plan_version_id != after.plan_version_id


def test_a_draft_without_tiers_is_an_offer_at_no_price(session: orm.Session) -> None:
    product = factories.product(session, factories.organisation(session), tiers=(), listed=False)
    assert queries.offers_for(session, [product.id], FIRST)[product.id].tiers == ()
    assert session.get_one(Product, product.id).first_price_fen == 0
