"""Sales dearer than everybody else's or than their evidence, more than was declared, or uncertified, are listed."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.audit.doctoring import examine
from market.audit.rules import RecordRule
from market.catalog.models import PriceTier, Product
from market.certification.models import Application, Certificate, CertificateChange, PriceEvidence
from market.certification.rules import CertificateEvent, EvidenceKind
from market.identity.models import Organisation
from market.identity.rules import OrganisationKind
from market.orders.models import Order, OrderLine
from market.quantities import Unit
from tests import factories
from tests.audit.test_records import odd
from tests.stalls import NOON, TODAY, Stalls

DEAR = RecordRule.PRICE_FAR_ABOVE_PEERS
MUCH = RecordRule.SALES_ABOVE_DECLARED
CUT = RecordRule.LARGE_PRICE_CUT


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    with time_machine.travel(NOON, tick=False):
        yield Stalls(client, session)


class Street:
    """Sellers of one kind of goods, each with a product of its own."""

    def __init__(self, stalls: Stalls) -> None:
        self.stalls, self.session = stalls, stalls.session
        self.category = factories.category(self.session).code

    def sells(
        self, price_fen: int, *, by: Organisation | None = None, category: str | None = None, unit: Unit = Unit.KG
    ) -> Product:
        """Have a supplier sell a unit today; return its product."""
        supplier = by or factories.organisation(self.session, kind=OrganisationKind.FAMILY_FARM)
        product = factories.product(
            self.session,
            supplier,
            category_code=category or self.category,
            unit=unit,
            unit_milli={Unit.KG: 1_000, Unit.JIN: 500}[unit],
            tiers=(("1", price_fen),),
        )
        factories.lot(self.session, product, quantity_milli=100_000)
        self.buys(product, unit)
        return product

    def buys(self, product: Product, unit: Unit = Unit.KG) -> UUID:
        """Place an order of one unit; return its id."""
        wanted = self.stalls.wanted(self.stalls.line(product, "1", unit=unit.value))
        (order,) = self.stalls.orderer.made("/order-groups", wanted)["orders"]
        return UUID(order["id"])

    def dear(self, **asked: str) -> list[tuple[str, dict[str, int]]]:
        """Return the products that are listed, with their figures."""
        return [(each["id"], each["figures"]) for each in odd(self.stalls.auditor, DEAR, **asked)]


@pytest.fixture
def street(stalls: Stalls) -> Street:
    return Street(stalls)


@pytest.mark.parametrize(("price_fen", "listed"), [(3_000, 0), (3_001, 1)])
def test_a_product_dearer_than_three_times_what_its_peers_ask_is_listed_to_its_county(
    street: Street, price_fen: int, listed: int
) -> None:
    for peer_fen in (900, 1_000, 2_000):
        street.sells(peer_fen)
    product = street.sells(price_fen)
    figures = {"price_fen": 3_001, "peers_price_fen": 1_000, "peers": 3}
    assert street.dear() == [(str(product.id), figures)][:listed]
    for found in odd(street.stalls.county, DEAR):
        assert (found["supplier_id"], found["recorded_on"]) == (str(product.supplier_id), TODAY)
    assert odd(street.stalls.other_county, DEAR) == []


def test_two_peers_are_too_few_to_say_what_is_usual(street: Street) -> None:
    for peer_fen in (900, 1_000):
        street.sells(peer_fen)
    street.sells(9_000)
    assert street.dear() == []


def test_a_supplier_is_no_peer_of_its_own_and_counts_once_however_much_it_sells(street: Street) -> None:
    many = factories.organisation(street.session)
    for _ in range(5):
        street.sells(9_000, by=many)
    for peer_fen in (1_000, 1_000):
        street.sells(peer_fen)
    assert street.dear() == [], "two peers beside itself"
    street.sells(8_000)
    assert {figures["peers_price_fen"] for _, figures in street.dear()} == {1_000}
    assert len(street.dear()) == 6, "five products of the one, and the one of 80 yuan: its peers' median is 10"


@pytest.mark.parametrize("other", [{"category": "another"}, {"unit": Unit.JIN}])
def test_another_kind_of_goods_or_another_unit_says_nothing_of_a_price(street: Street, other: dict[str, Any]) -> None:
    if "category" in other:
        factories.category(street.session, code=other["category"])
    for peer_fen in (900, 1_000, 2_000):
        street.sells(peer_fen, **other)
    street.sells(9_000)
    assert street.dear() == []


def test_another_quarter_says_nothing_of_a_price_nor_does_what_was_not_sold(street: Street) -> None:
    peers = [street.sells(1_000) for _ in range(3)]
    product = street.sells(9_000)
    assert len(street.dear()) == 1
    of_peers = sa.select(OrderLine.order_id).where(OrderLine.product_id == peers[0].id)
    of_product = sa.select(OrderLine.order_id).where(OrderLine.product_id == product.id)

    def change(orders: sa.Select[UUID], **changed: Any) -> None:
        street.session.execute(sa.update(Order).where(Order.id.in_(orders)).values(**changed))

    change(of_peers, placed_on=date(2025, 12, 31))
    assert street.dear() == []
    change(of_peers, placed_on=date(2026, 1, 1))
    assert len(street.dear()) == 1
    assert len(street.dear(**{"from": TODAY, "to": TODAY})) == 1, "peers are those of the whole quarter"
    for status in ("declined", "cancelled", "expired"):
        change(of_product, status=status)
        assert street.dear() == []
        change(of_product, status="placed")
        change(of_peers, status=status)
        assert street.dear() == []
        change(of_peers, status="placed")


def test_a_product_is_listed_once_a_quarter_page_by_page(street: Street) -> None:
    peers = [street.sells(1_000) for _ in range(3)]
    product = street.sells(9_000)
    for each in (*peers, product, product):
        order = street.session.get_one(Order, street.buys(each))
        order.placed_on = date(2025, 12, 1)
    street.session.flush()
    assert [each for each, _ in street.dear()] == [str(product.id)] * 2
    seen: list[str] = []
    cursor: dict[str, Any] = {}
    for _ in range(2):
        answer = street.stalls.auditor.get("/monitoring/records", rule=DEAR.value, limit="1", **cursor).json()
        seen += [each["effective_on"] for each in answer["items"]]
        cursor = {"cursor": answer["next_cursor"]}
    assert (sorted(seen), cursor) == (["2025-12-01", TODAY], {"cursor": None})


def declared(stalls: Stalls, fen: int, **changed: Any) -> Certificate:
    """Have the dates' certificate declare so much a year, from three days ago."""
    certificate = stalls.session.get_one(Certificate, stalls.dates.certificate_id)
    certificate.valid_from = NOON.date() - timedelta(days=3)
    for name, value in changed.items():
        setattr(certificate, name, value)
    stalls.session.get_one(Application, certificate.application_id).declared_value_fen = fen
    stalls.session.flush()
    return certificate


@pytest.mark.parametrize(("declared_fen", "listed"), [(20_000, 0), (19_999, 1)])
def test_sales_above_the_value_declared_are_listed_from_the_day_on_which_they_passed_it(
    stalls: Stalls, declared_fen: int, listed: int
) -> None:
    certificate = declared(stalls, declared_fen)
    yesterday, _ = stalls.accepted(), stalls.accepted()
    of_yesterday = sa.update(OrderLine).where(OrderLine.id == UUID(yesterday["lines"][0]["id"]))
    stalls.session.execute(of_yesterday.values(accepted_on=NOON.date() - timedelta(days=1)))
    stalls.placed()
    found = odd(stalls.auditor, MUCH)
    assert odd(stalls.county, MUCH) == found
    assert odd(stalls.other_county, MUCH) == []
    told = [(each["id"], each["effective_on"], each["recorded_on"], each["figures"]) for each in found]
    figures = {"sold_fen": 20_000, "declared_fen": 19_999}
    assert told == [(str(certificate.id), "2026-02-27", TODAY, figures)][:listed]


def test_what_came_back_was_not_sold(stalls: Stalls) -> None:
    declared(stalls, 9_999)
    order = stalls.accepted()
    assert len(odd(stalls.auditor, MUCH)) == 1
    stalls.receiver.made(f"/orders/{order['id']}/returns", stalls.coming_back(order))
    assert odd(stalls.auditor, MUCH) == []


def test_each_year_of_a_certificate_has_what_was_declared_and_days_after_its_last_have_no_more(stalls: Stalls) -> None:
    certificate = declared(stalls, 10_000, valid_from=date(2025, 3, 2))
    first, second = (UUID(stalls.accepted()["lines"][0]["id"]) for _ in range(2))

    def accepted_on(line_id: UUID, day: date) -> list[dict[str, Any]]:
        stalls.session.execute(sa.update(OrderLine).where(OrderLine.id == line_id).values(accepted_on=day))
        return odd(stalls.auditor, MUCH)

    assert [each["effective_on"] for each in odd(stalls.auditor, MUCH)] == ["2026-03-02"]
    assert accepted_on(first, date(2026, 3, 1)) == [], "the last day of the first year"
    certificate.valid_to = date(2026, 3, 1)
    stalls.session.flush()
    (found,) = odd(stalls.auditor, MUCH)
    assert (found["effective_on"], found["recorded_on"]) == ("2025-03-02", TODAY)
    assert accepted_on(second, date(2026, 3, 1))[0]["recorded_on"] == "2026-03-01"
    assert odd(stalls.auditor, MUCH, **{"from": TODAY, "to": TODAY}) == []
    assert len(odd(stalls.auditor, MUCH, **{"from": "2026-03-01", "to": "2026-03-01"})) == 1


# Under what was ordered.


def the_line(order: dict[str, Any]) -> tuple[str, str]:
    return str(order["lines"][0]["id"]), TODAY


def told_of(stalls: Stalls, rule: RecordRule) -> list[tuple[tuple[str, str], dict[str, int]]]:
    stalls.session.flush()
    found = odd(stalls.auditor, rule)
    assert (odd(stalls.county, rule), odd(stalls.other_county, rule)) == (found, [])
    return [((each["id"], each["effective_on"]), each["figures"]) for each in found]


def test_what_was_ordered_under_a_certificate_that_had_expired_is_listed(stalls: Stalls) -> None:
    order = stalls.placed()
    certificate = stalls.session.get_one(Certificate, stalls.dates.certificate_id)
    certificate.valid_from, certificate.valid_to = NOON.date(), NOON.date()
    assert told_of(stalls, RecordRule.CERTIFICATE_LAPSED) == [], "its only day"
    certificate.valid_from = certificate.valid_to = NOON.date() - timedelta(days=3)
    figures = {"days": 3, "amount_fen": 10_000}
    assert told_of(stalls, RecordRule.CERTIFICATE_LAPSED) == [(the_line(order), figures)]


@pytest.mark.parametrize(
    ("events", "listed"),
    [
        ({CertificateEvent.SUSPEND: -2}, 1),
        ({CertificateEvent.REVOKE: -1}, 1),
        ({CertificateEvent.SUSPEND: -2, CertificateEvent.REINSTATE: -1}, 0),
        ({CertificateEvent.REVOKE: 1}, 0),
    ],
)
def test_what_was_ordered_while_the_certificate_was_suspended_or_revoked_is_listed(
    stalls: Stalls, events: dict[CertificateEvent, int], listed: int
) -> None:
    """Whatever its status is now: what counts is the last that had happened to it."""
    order = stalls.placed()
    stalls.session.add_all(
        CertificateChange(
            certificate_id=stalls.dates.certificate_id,
            event=event,
            reason="抽检不合格",
            changed_by=stalls.county.member.id,
            changed_at=NOON + timedelta(hours=hours),
        )
        for event, hours in events.items()
    )
    told = [(the_line(order), {"days": 0, "amount_fen": 10_000})]
    assert told_of(stalls, RecordRule.CERTIFICATE_LAPSED) == told[:listed]


@pytest.mark.parametrize(
    ("evidenced_fen", "per_milli", "listed"), [(1_000, 1_000, 0), (999, 1_000, 1), (499, 500, 1), (500, 500, 0)]
)
def test_what_was_ordered_above_the_evidenced_price_is_listed_whatever_unit_it_was_of(
    stalls: Stalls, evidenced_fen: int, per_milli: int, listed: int
) -> None:
    order = stalls.placed()
    certificate = stalls.session.get_one(Certificate, stalls.dates.certificate_id)
    stalls.session.get_one(Application, certificate.application_id).unit_milli = per_milli
    stalls.session.add_all(
        PriceEvidence(
            application_id=certificate.application_id,
            kind=EvidenceKind.LINK,
            reference="https://example.org/1",
            price_fen=price_fen,
            observed_on=date(2026, 1, 1),
            recorded_by=stalls.clerk.member.id,
        )
        for price_fen in (evidenced_fen, evidenced_fen + 500)
    )
    figures = {"price_fen": 1_000, "evidenced_price_fen": evidenced_fen * 1_000 // per_milli}
    assert told_of(stalls, RecordRule.PRICE_ABOVE_EVIDENCE) == [(the_line(order), figures)][:listed]


@pytest.mark.parametrize(
    ("unit", "unit_milli", "price_fen", "sound"), [("jin", 500, 501, False), ("t", 10**6, 10**6, True)]
)
def test_the_market_is_sick_of_a_price_above_the_evidence_in_whatever_unit(
    stalls: Stalls, unit: str, unit_milli: int, price_fen: int, *, sound: bool
) -> None:
    """The evidence is of 10 yuan a kilogram."""
    certificate = stalls.session.get_one(Certificate, stalls.dates.certificate_id)
    certificate.price_ceiling_fen, stalls.dates.unit, stalls.dates.unit_milli = 1_000, Unit(unit), unit_milli
    stalls.session.execute(
        sa.update(PriceTier).where(PriceTier.product_id == stalls.dates.id).values(price_fen=price_fen)
    )
    stalls.session.flush()
    named = {symptom.invariant for symptom in examine(stalls.session)}
    assert ("price_is_within_the_evidence" in named) is not sound


def cut_price(stalls: Stalls, order: dict[str, Any], fen: int) -> None:
    """Cut the price of the order's first line, as its buyer agrees."""
    line = {"order_line_id": order["lines"][0]["id"], "amount_fen": fen}
    cut = {"cut_on": TODAY, "reason": "果径偏小", "evidence": "折让协议", "lines": [line]}
    offered = stalls.manager.made(f"/orders/{order['id']}/price-cuts", cut)
    assert odd(stalls.auditor, CUT) == [], "nothing is cut yet"
    stalls.receiver.made(f"/price-cuts/{offered['id']}/acceptance")


@pytest.mark.parametrize(("fen", "listed"), [(4_999, 0), (5_000, 1)])
def test_a_price_cut_of_half_a_line_is_listed_to_its_county(stalls: Stalls, fen: int, listed: int) -> None:
    order = stalls.accepted()
    cut_price(stalls, order, fen)
    found = odd(stalls.auditor, CUT)
    assert [(each["id"], each["figures"]) for each in found] == [
        (order["lines"][0]["id"], {"cut_fen": 5_000, "owed_fen": 10_000})
    ][:listed]
    assert odd(stalls.county, CUT) == found
    assert odd(stalls.other_county, CUT) == []


def test_price_cuts_of_one_line_are_taken_together(stalls: Stalls) -> None:
    order = stalls.accepted()
    cut_price(stalls, order, 3_000)
    cut_price(stalls, order, 2_500)
    ((figures),) = [each["figures"] for each in odd(stalls.auditor, CUT)]
    assert figures == {"cut_fen": 5_500, "owed_fen": 10_000}


def test_a_price_cut_is_held_against_the_goods_that_had_not_come_back_by_then(stalls: Stalls) -> None:
    before, after = stalls.accepted(), stalls.accepted()
    cut_price(stalls, after, 2_000)
    stalls.receiver.made(f"/orders/{after['id']}/returns", stalls.coming_back(after, "6"))
    assert odd(stalls.auditor, CUT) == [], "a fifth, whatever comes back later"
    stalls.receiver.made(f"/orders/{before['id']}/returns", stalls.coming_back(before, "6"))
    cut_price(stalls, before, 2_000)
    ((figures),) = [each["figures"] for each in odd(stalls.auditor, CUT)]
    assert figures == {"cut_fen": 2_000, "owed_fen": 4_000}
