"""Bad input: for each refusal a clear answer with a stable code and pointers, in either language, and nothing changed.

All cases of a worker share one market: each must leave it as it was, to the last byte of every table.
"""

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import pytest
import sqlalchemy as sa
import time_machine
from starlette.testclient import TestClient

from market.app import create_app
from market.catalog import service as catalog
from market.catalog.models import Product
from market.catalog.rules import ProductStatus
from market.certification.rules import CertificateStatus
from market.db import Database
from market.identity.models import Credential
from market.identity.rules import OrganisationKind, Permission, Role
from market.lots.rules import LotStatus
from market.quantities import Unit
from tests import factories
from tests.conftest import RolledBackDatabase
from tests.stalls import EVIDENCE, NOON, TODAY, Desk, Stalls, all_tables

NOBODY = "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"
CHINESE = re.compile(r"[\u4e00-\u9fff]")


@dataclass
class Ask:
    """A request: by whom, what, and how it is sent."""

    desk: Desk
    method: str
    path: str
    body: Any = None
    headers: dict[str, str | None] = field(default_factory=dict)
    content: bytes | None = None

    def send(self, language: str) -> Any:
        """Send it, asking for the answer in a language."""
        sent = self.desk.bearer | {"Idempotency-Key": uuid4().hex, "Accept-Language": language} | self.headers
        content = json.dumps(self.body).encode() if self.body is not None else self.content
        if content is not None:
            sent.setdefault("Content-Type", "application/json")
        headers = {name: value for name, value in sent.items() if value is not None}
        return self.desk.client.request(self.method, f"/v1{self.path}", content=content, headers=headers)


class Fair(Stalls):
    """A market in which everything has happened once, with one of each thing that cannot be sold."""

    def __init__(self, client: TestClient, session: Any) -> None:
        """Let everything happen."""
        super().__init__(client, session)
        self.placed_order = self.placed()
        self.confirmed_order = self.placed()
        self.clerk.made(f"/orders/{self.confirmed_order['id']}/confirmation")
        self.shipped_order = self.shipped(self.line(self.dates), self.line(self.dates, "5"))
        self.accepted_order = self.accepted()
        self.paid_order = self.accepted()
        clerk = self.clerk
        clerk.made("/receipts", self.money(self.paid_order, 10_000, bank_reference="ICBC-TAKEN"))
        batch = self.payment(1_000, reference="B-TAKEN")
        self.payment_id = clerk.made("/disbursements", batch)["payments"][0]["id"]
        confirmed = clerk.made("/disbursements", self.payment(10))["payments"][0]["id"]
        self.village.made("/payments/confirmations", {"payment_ids": [confirmed]})
        self.confirmed_id = confirmed
        (foreign,) = self.other_orderer.made("/order-groups", self.wanted(self.line(self.walnuts)))["orders"]
        self.foreign_order = self.other_orderer.get(f"/orders/{foreign['id']}").json()
        assert self.orderer.post("/order-groups", self.wanted(), key="taken").status_code == 201
        self.unsellable()
        self.others()
        session.flush()

    def unsellable(self) -> None:
        """Put up what cannot be sold."""
        session = self.session
        lapsed, suspended, revoked = (
            factories.certificate(session, self.supplier, **changed)
            for changed in (
                {"valid_to": date(2026, 3, 1)},
                {"status": CertificateStatus.SUSPENDED},
                {"status": CertificateStatus.REVOKED},
            )
        )
        self.lapsed, self.suspended, self.revoked = (
            self.product_under(certificate) for certificate in (lapsed, suspended, revoked)
        )
        later = factories.plan(session, self.supplier, valid_from=date(2099, 1, 1))
        self.planless = factories.product(session, self.supplier, plan=later, listed=False)
        self.planless.status = ProductStatus.LISTED
        self.draft = factories.product(session, self.supplier, listed=False)
        self.withdrawn = factories.product(session, self.supplier)
        clerk = factories.actor(session, self.clerk.member)
        catalog.withdraw_product(session, clerk, product_id=self.withdrawn.id)
        self.by_fives = factories.product(
            session, self.supplier, unit=Unit.JIN, unit_milli=500, minimum="10", multiple="5", tiers=(("10", 500),)
        )
        self.sold_out = factories.product(session, self.supplier)

    def product_under(self, certificate: Any) -> Product:
        """List a product under a certificate in force, which then is not."""
        status, valid_to = certificate.status, certificate.valid_to
        certificate.status, certificate.valid_to = CertificateStatus.VALID, date(2099, 1, 1)
        self.session.flush()
        row = factories.product(self.session, self.supplier, certificate=certificate)
        certificate.status, certificate.valid_to = status, valid_to
        self.session.flush()
        return row

    def others(self) -> None:
        """Bring those who may not, or may no longer."""
        session = self.session
        self.stranger = factories.household(session, village_code="141130101201")
        self.draft_lot = factories.lot(session, self.dates, status=LotStatus.DRAFT)
        self.foreign_lot = factories.lot(session, self.walnuts, status=LotStatus.DRAFT)
        self.shop = self.desk(factories.organisation(session, kind=OrganisationKind.ONLINE_SHOP), Role.BUYER_CLERK)
        wanted = self.wanted(channel_code="online", external_number="832-TAKEN")
        self.shop.made("/order-groups", wanted)
        self.expired, self.revoked_token, self.locked_out, self.keyed = (
            self.desk(self.buyer, Role.BUYER_CLERK) for _ in range(4)
        )
        self.credential(self.expired).expires_at = NOON
        self.credential(self.revoked_token).revoked_at = datetime(2026, 3, 1, tzinfo=UTC)
        self.locked_out.member.active = False
        secret = factories.token(session, self.keyed.member, scopes=[Permission.ORDER_READ])
        self.keyed.bearer = {"Authorization": f"Bearer {secret}"}

    def credential(self, desk: Desk) -> Credential:
        """Return the only credential of a desk's member."""
        return self.session.scalars(sa.select(Credential).filter_by(member_id=desk.member.id)).one()

    def place(self, desk: Desk | None = None, headers: Any = None, **changed: Any) -> Ask:
        """Ask for 10 kg of dates, with changes to the request."""
        return Ask(desk or self.orderer, "POST", "/order-groups", self.wanted() | changed, headers or {})

    def place_line(self, product: Product | None = None, **changed: Any) -> Ask:
        """Ask for one line, with changes to it."""
        return self.place(lines=[self.line(product or self.dates) | changed])

    def accept(
        self, order: dict[str, Any] | None = None, *, whole: dict[str, Any] | None = None, **changed: Any
    ) -> Ask:
        """Accept the shipped order, with changes to the request, or to its first line."""
        order = order or self.shipped_order
        body = self.acceptance(order, **changed) | (whole or {})
        return Ask(self.receiver, "POST", f"/orders/{order['id']}/acceptances", body)

    def take_back(self, order: dict[str, Any] | None = None, **changed: Any) -> Ask:
        """Return 1 kg of the accepted order, with changes to the request."""
        order = order or self.accepted_order
        return Ask(self.receiver, "POST", f"/orders/{order['id']}/returns", self.coming_back(order) | changed)

    def ship(self, order: dict[str, Any] | None = None, **changed: Any) -> Ask:
        """Ship the confirmed order, with changes to the request."""
        order = order or self.confirmed_order
        return Ask(self.clerk, "POST", f"/orders/{order['id']}/shipment", {"shipped_on": TODAY} | changed)

    def ship_line(self, order: dict[str, Any] | None = None, quantity: str = "10") -> Ask:
        """Ship some of the first line of the confirmed order, or of another."""
        line = (order or self.confirmed_order)["lines"][0]
        return self.ship(lines=[{"order_line_id": line["id"], "quantity": quantity}])

    def receive(self, **changed: Any) -> Ask:
        """Record 1,000 fen for the accepted order, with changes to the request."""
        return Ask(self.clerk, "POST", "/receipts", self.money(self.accepted_order, 1_000) | changed)

    def disburse(self, *, whole: dict[str, Any] | None = None, **changed: Any) -> Ask:
        """Pay 1,000 fen to a household, with changes to the request, or to its payment."""
        return Ask(self.clerk, "POST", "/disbursements", self.payment(**changed) | (whole or {}))

    def confirm(self, *ids: str) -> Ask:
        """Confirm payments."""
        return Ask(self.village, "POST", "/payments/confirmations", {"payment_ids": list(ids)})

    def contribute(self, lot_id: object = None, **changed: Any) -> Ask:
        """Record what a household gave to a lot that is not open, with changes to it."""
        given = {
            "household_id": str(self.households[0].id),
            "mechanism": "order_purchase",
            "measure": "10",
            "unit": "kg",
            "unit_price_fen": 600,
            "delivered_on": TODAY,
            "evidence": "收购单-1",
        } | changed
        path = f"/lots/{lot_id or self.draft_lot.id}/contributions"
        return Ask(self.clerk, "POST", path, {"contributions": [given]})

    def edit(self, if_match: str | None, product: Product | None = None) -> Ask:
        """Edit a product."""
        path = f"/products/{(product or self.dates).id}"
        return Ask(self.clerk, "PATCH", path, {"description": "新描述"}, {"If-Match": if_match})

    def raw(self, content: bytes, **headers: str | None) -> Ask:
        """Send bytes where an order is expected."""
        sent: dict[str, str | None] = {name.replace("_", "-"): value for name, value in headers.items()}
        return Ask(self.orderer, "POST", "/order-groups", headers=sent, content=content)

    def get(self, path: str, desk: Desk | None = None) -> Ask:
        """Read."""
        return Ask(desk or self.orderer, "GET", path)


@pytest.fixture(scope="module")
def market(worker_url: str) -> Iterator[Database]:
    database = RolledBackDatabase(worker_url)
    yield database
    database.close()


@pytest.fixture(scope="module")
def fair(market: Database) -> Iterator[Fair]:
    with (
        time_machine.travel(NOON, tick=False),
        market.transaction() as session,
        TestClient(create_app(market)) as client,
    ):
        yield Fair(client, session)


Case = tuple[str, Callable[[Fair], Ask], int, str, list[str]]
INVALID = "invalid_input"
LINE, FIRST = "/lines/0", "/lines/0/order_line_id"

MONEY: list[tuple[str, Any]] = [
    ("a float", 1.5),
    ("a whole float", 1000.0),
    ("text", "1000"),
    ("negative", -1),
    ("zero", 0),
    ("huge", 10**14),
    ("huger than any column", 10**30),
    ("true", True),
    ("null", None),
    ("a list", [1000]),
]
QUANTITIES: list[tuple[str, Any]] = [
    ("a number", 10),
    ("a float", 1.5),
    ("true", True),
    ("negative", "-1"),
    ("signed", "+1"),
    ("an exponent", "1e3"),
    ("not a number", "NaN"),
    ("infinite", "Infinity"),
    ("of eleven digits", "99999999999"),
    ("finer than any unit", "1.0000001"),
    ("in full-width digits", "１０"),
    ("in Arabic digits", "١٠"),
    ("in Chinese", "十"),
    ("with a comma", "1,000"),
    ("with a blank", " 1"),
    ("with a line feed", "1\n"),
    ("with a null", "1\x00"),
    ("empty", ""),
    ("hexadecimal", "0x10"),
]
DAYS: list[tuple[str, Any]] = [
    ("an integer", 20260302),
    ("a timestamp", 1772409600),
    ("a timestamp in text", "1772409600"),
    ("a float", 1772409600.0),
    ("true", True),
    ("an instant", "2026-03-02T04:00:00Z"),
    ("midnight", "2026-03-02T00:00:00"),
    ("the month 13", "2026-13-01"),
    ("30 February", "2026-02-30"),
    ("slashed", "2026/03/02"),
    ("empty", ""),
]

CASES: list[Case] = [
    *(
        (f"a receipt of {name}", lambda f, v=v: f.receive(amount_fen=v), 422, INVALID, ["/amount_fen"])
        for name, v in MONEY
    ),
    *(
        (f"a payment of {name}", lambda f, v=v: f.disburse(amount_fen=v), 422, INVALID, ["/payments/0/amount_fen"])
        for name, v in MONEY
    ),
    *(
        (
            f"an expected price that is {name}",
            lambda f, v=v: f.place_line(unit_price_fen=v),
            422,
            INVALID,
            [f"{LINE}/unit_price_fen"],
        )
        for name, v in MONEY
        if v is not None and v != 0
    ),
    *(
        (f"a quantity that is {name}", lambda f, v=v: f.place_line(quantity=v), 422, INVALID, [f"{LINE}/quantity"])
        for name, v in QUANTITIES
    ),
    *(
        (
            f"an accepted quantity that is {name}",
            lambda f, v=v: f.accept(accepted=v),
            422,
            INVALID,
            [f"{LINE}/accepted"],
        )
        for name, v in QUANTITIES
    ),
    *(
        (f"a day that is {name}", lambda f, v=v: f.receive(received_on=v), 422, INVALID, ["/received_on"])
        for name, v in DAYS
    ),
    # Placing
    ("an unknown field", lambda f: f.place(note="快"), 422, INVALID, ["/note"]),
    ("an unknown field of a line", lambda f: f.place_line(price=1), 422, INVALID, [f"{LINE}/price"]),
    (
        "an unknown field with an odd name",
        lambda f: f.raw(json.dumps(f.wanted() | {"a/b~": 1}).encode()),
        422,
        INVALID,
        ["/a~1b~0"],
    ),
    ("an unknown field with half a character", lambda f: f.raw(b'{"\\ud800": 1}'), 422, INVALID, [""]),
    (
        "evidence with half a character",
        lambda f: f.accept(whole={"evidence": {"\ud800": "1"}}),
        422,
        INVALID,
        ["/evidence/\ufffd\ufffd\ufffd/[key]"],
    ),
    (
        "no channel",
        lambda f: Ask(f.orderer, "POST", "/order-groups", {"lines": f.wanted()["lines"]}),
        422,
        INVALID,
        ["/channel_code"],
    ),
    ("an empty channel", lambda f: f.place(channel_code=""), 422, INVALID, ["/channel_code"]),
    ("a channel that is null", lambda f: f.place(channel_code=None), 422, INVALID, ["/channel_code"]),
    ("an unknown channel", lambda f: f.place(channel_code="street"), 422, "unknown_channel", ["/channel_code"]),
    (
        "a channel not for schools",
        lambda f: f.place(channel_code="market"),
        422,
        "channel_not_for_buyer",
        ["/channel_code"],
    ),
    (
        "no external number",
        lambda f: f.place(desk=f.shop, channel_code="online"),
        409,
        "external_number",
        ["/external_number"],
    ),
    (
        "an external number taken",
        lambda f: f.place(desk=f.shop, channel_code="online", external_number="832-TAKEN"),
        409,
        "external_number",
        ["/external_number"],
    ),
    ("an external number with a null", lambda f: f.place(external_number="8\x00"), 422, INVALID, ["/external_number"]),
    ("no lines", lambda f: f.place(lines=[]), 422, INVALID, ["/lines"]),
    ("lines that are an object", lambda f: f.place(lines={}), 422, INVALID, ["/lines"]),
    ("a line that is text", lambda f: f.place(lines=["dates"]), 422, INVALID, [LINE]),
    ("too many lines", lambda f: f.place(lines=[f.line(f.dates)] * 201), 422, INVALID, ["/lines"]),
    ("a product of nobody", lambda f: f.place_line(product_id=NOBODY), 404, "not_found", [f"{LINE}/product_id"]),
    ("a product that is no id", lambda f: f.place_line(product_id="骏枣"), 422, INVALID, [f"{LINE}/product_id"]),
    ("another unit", lambda f: f.place_line(unit="jin"), 422, "unit_mismatch", [f"{LINE}/unit"]),
    ("an unknown unit", lambda f: f.place_line(unit="mu"), 422, INVALID, [f"{LINE}/unit"]),
    ("a quantity of zero", lambda f: f.place_line(quantity="0"), 422, "below_minimum", [f"{LINE}/quantity"]),
    (
        "a quantity below the minimum",
        lambda f: f.place_line(f.by_fives, quantity="5", unit="jin"),
        422,
        "below_minimum",
        [f"{LINE}/quantity"],
    ),
    (
        "a quantity between multiples",
        lambda f: f.place_line(f.by_fives, quantity="12", unit="jin"),
        422,
        "not_a_multiple",
        [f"{LINE}/quantity"],
    ),
    (
        "a quantity finer than the unit",
        lambda f: f.place_line(quantity="1.0001"),
        422,
        "inexact_quantity",
        [f"{LINE}/quantity"],
    ),
    (
        "a quantity beyond any market",
        lambda f: f.place_line(f.by_fives, quantity="9999999999.5", unit="t"),
        422,
        "unit_mismatch",
        [f"{LINE}/unit"],
    ),
    ("more than is in stock", lambda f: f.place_line(quantity="101"), 409, "out_of_stock", [f"{LINE}/quantity"]),
    ("the greatest quantity", lambda f: f.place_line(quantity="9999999999"), 409, "out_of_stock", [f"{LINE}/quantity"]),
    ("a product sold out", lambda f: f.place_line(f.sold_out), 409, "out_of_stock", [f"{LINE}/quantity"]),
    ("a lapsed certificate", lambda f: f.place_line(f.lapsed), 409, "certificate_expired", [f"{LINE}/product_id"]),
    (
        "a suspended certificate",
        lambda f: f.place_line(f.suspended),
        409,
        "certificate_suspended",
        [f"{LINE}/product_id"],
    ),
    ("a revoked certificate", lambda f: f.place_line(f.revoked), 409, "certificate_suspended", [f"{LINE}/product_id"]),
    (
        "a product without a plan in force",
        lambda f: f.place_line(f.planless),
        409,
        "plan_not_approved",
        [f"{LINE}/product_id"],
    ),
    ("a product that is a draft", lambda f: f.place_line(f.draft), 409, "not_listed", [f"{LINE}/product_id"]),
    ("a product withdrawn", lambda f: f.place_line(f.withdrawn), 409, "not_listed", [f"{LINE}/product_id"]),
    ("another price", lambda f: f.place_line(unit_price_fen=999), 409, "price_changed", [f"{LINE}/unit_price_fen"]),
    ("a price of nothing", lambda f: f.place_line(unit_price_fen=0), 409, "price_changed", [f"{LINE}/unit_price_fen"]),
    ("61 days to pay", lambda f: f.place(payment_days=61), 422, "payment_term", ["/payment_days"]),
    ("days to pay in text", lambda f: f.place(payment_days="30"), 422, INVALID, ["/payment_days"]),
    ("days to pay that are true", lambda f: f.place(payment_days=True), 422, INVALID, ["/payment_days"]),
    ("days to pay below zero", lambda f: f.place(payment_days=-1), 422, INVALID, ["/payment_days"]),
    (
        "a misspelt dry run",
        lambda f: Ask(f.orderer, "POST", "/order-groups?dryrun=true", f.wanted()),
        422,
        INVALID,
        ["/query/dryrun"],
    ),
    (
        "a dry run that is perhaps",
        lambda f: Ask(f.orderer, "POST", "/order-groups?dry_run=perhaps", f.wanted()),
        422,
        INVALID,
        ["/query/dry_run"],
    ),
    (
        "a dry run of bad input",
        lambda f: Ask(f.orderer, "POST", "/order-groups?dry_run=true", f.wanted(f.line(f.lapsed))),
        409,
        "certificate_expired",
        [f"{LINE}/product_id"],
    ),
    # Steps of an order
    ("a shipment of what is not confirmed", lambda f: f.ship(f.placed_order), 409, "transition", []),
    ("a shipment twice", lambda f: f.ship(f.shipped_order), 409, "transition", []),
    ("a shipment before the order", lambda f: f.ship(shipped_on="2026-03-01"), 422, INVALID, ["/shipped_on"]),
    ("a shipment in the future", lambda f: f.ship(shipped_on="2026-03-03"), 422, INVALID, ["/shipped_on"]),
    ("a shipment of nothing", lambda f: f.ship_line(quantity="0"), 422, INVALID, ["/lines"]),
    (
        "a shipment of more than was ordered",
        lambda f: f.ship_line(quantity="10.5"),
        422,
        "line_not_of_order",
        [f"{LINE}/quantity"],
    ),
    ("a shipment of another order's line", lambda f: f.ship_line(f.placed_order), 422, "line_not_of_order", [FIRST]),
    (
        "a cancellation without a reason",
        lambda f: Ask(f.orderer, "POST", f"/orders/{f.placed_order['id']}/cancellation", {}),
        422,
        INVALID,
        ["/reason"],
    ),
    (
        "a reason with a null",
        lambda f: Ask(f.orderer, "POST", f"/orders/{f.placed_order['id']}/cancellation", {"reason": "a\x00b"}),
        422,
        INVALID,
        ["/reason"],
    ),
    (
        "a reason with a line feed",
        lambda f: Ask(f.orderer, "POST", f"/orders/{f.placed_order['id']}/cancellation", {"reason": "a\nb"}),
        422,
        INVALID,
        ["/reason"],
    ),
    (
        "a reason with half a character",
        lambda f: Ask(f.orderer, "POST", f"/orders/{f.placed_order['id']}/cancellation", {"reason": "\ud83d"}),
        422,
        INVALID,
        ["/reason"],
    ),
    (
        "a reason too long",
        lambda f: Ask(f.orderer, "POST", f"/orders/{f.placed_order['id']}/cancellation", {"reason": "长" * 2001}),
        422,
        INVALID,
        ["/reason"],
    ),
    (
        "an order of another buyer",
        lambda f: Ask(f.orderer, "POST", f"/orders/{f.foreign_order['id']}/cancellation", {"reason": "无"}),
        404,
        "not_found",
        [],
    ),
    ("an order of nobody", lambda f: f.get(f"/orders/{NOBODY}"), 404, "not_found", []),
    ("an order that is no id", lambda f: f.get("/orders/D202603020000017"), 422, INVALID, ["/path/order_id"]),
    # Acceptance
    (
        "an acceptance without evidence",
        lambda f: f.accept(whole={"evidence": {}}),
        422,
        "missing_acceptance_evidence",
        ["/evidence"],
    ),
    (
        "an acceptance with half the evidence",
        lambda f: f.accept(whole={"evidence": {"invoice": "1"}}),
        422,
        "missing_acceptance_evidence",
        ["/evidence"],
    ),
    (
        "evidence of an odd kind",
        lambda f: f.accept(whole={"evidence": EVIDENCE | {"照片": "1"}}),
        422,
        INVALID,
        ["/evidence/照片/[key]"],
    ),
    (
        "evidence that is a number",
        lambda f: f.accept(whole={"evidence": EVIDENCE | {"invoice": 1}}),
        422,
        INVALID,
        ["/evidence/invoice"],
    ),
    ("more than was shipped", lambda f: f.accept(received="11", accepted="11"), 422, "outcome", [LINE]),
    ("more than was received", lambda f: f.accept(accepted="11"), 422, "outcome", [LINE]),
    ("less without a reason", lambda f: f.accept(received="9", accepted="9", short="1"), 422, "outcome", [LINE]),
    (
        "a line of another order",
        lambda f: f.accept(order_line_id=f.accepted_order["lines"][0]["id"]),
        422,
        "line_not_of_order",
        [FIRST],
    ),
    (
        "a line of another buyer",
        lambda f: f.accept(order_line_id=f.foreign_order["lines"][0]["id"]),
        422,
        "line_not_of_order",
        [FIRST],
    ),
    (
        "a line twice",
        lambda f: f.accept(order_line_id=f.shipped_order["lines"][1]["id"], received="5", accepted="5"),
        422,
        "line_not_of_order",
        ["/lines/1/order_line_id"],
    ),
    ("an acceptance twice", lambda f: f.accept(f.accepted_order), 409, "transition", []),
    (
        "an acceptance before the shipment",
        lambda f: f.accept(whole={"accepted_on": "2026-03-01"}),
        422,
        INVALID,
        ["/accepted_on"],
    ),
    (
        "an acceptance in the future",
        lambda f: f.accept(whole={"accepted_on": "2026-03-03"}),
        422,
        INVALID,
        ["/accepted_on"],
    ),
    ("an acceptance of another buyer's order", lambda f: f.accept(f.foreign_order), 404, "not_found", []),
    # Returns
    (
        "a return of more than was accepted",
        lambda f: f.take_back(lines=f.coming_back(f.accepted_order, "11")["lines"]),
        422,
        "return_too_much",
        [f"{LINE}/quantity"],
    ),
    (
        "a return of nothing",
        lambda f: f.take_back(lines=f.coming_back(f.accepted_order, "0")["lines"]),
        422,
        "return_too_much",
        [f"{LINE}/quantity"],
    ),
    (
        "a return of a line of another order",
        lambda f: f.take_back(lines=f.coming_back(f.paid_order)["lines"]),
        422,
        "line_not_of_order",
        [FIRST],
    ),
    (
        "a return of a line twice",
        lambda f: f.take_back(lines=f.coming_back(f.accepted_order)["lines"] * 2),
        422,
        "line_not_of_order",
        ["/lines/1/order_line_id"],
    ),
    ("a return before the acceptance", lambda f: f.take_back(returned_on="2026-03-01"), 422, INVALID, ["/returned_on"]),
    ("a return of what was not accepted", lambda f: f.take_back(f.shipped_order), 409, "transition", []),
    (
        "resaleable in text",
        lambda f: f.take_back(lines=f.coming_back(f.accepted_order, resaleable="yes")["lines"]),
        422,
        INVALID,
        [f"{LINE}/resaleable"],
    ),
    (
        "resaleable as a number",
        lambda f: f.take_back(lines=f.coming_back(f.accepted_order, resaleable=1)["lines"]),
        422,
        INVALID,
        [f"{LINE}/resaleable"],
    ),
    # Receipts
    ("a receipt twice", lambda f: f.receive(bank_reference="ICBC-TAKEN"), 409, "receipt_taken", ["/bank_reference"]),
    (
        "an overpayment",
        lambda f: f.receive(**{key: f.money(f.paid_order, 1)[key] for key in ("amount_fen", "orders")}),
        409,
        "overpaid",
        ["/orders/0/amount_fen"],
    ),
    ("a receipt that does not add up", lambda f: f.receive(amount_fen=1_001), 422, "receipt_sum", ["/orders"]),
    (
        "a receipt that pays one order twice",
        lambda f: f.receive(amount_fen=2_000, orders=f.money(f.accepted_order, 1_000)["orders"] * 2),
        422,
        "receipt_sum",
        ["/orders"],
    ),
    (
        "a receipt for another supplier's order",
        lambda f: f.receive(orders=f.money(f.foreign_order, 1_000)["orders"]),
        404,
        "not_found",
        ["/orders"],
    ),
    ("a receipt in the future", lambda f: f.receive(received_on="2026-03-03"), 422, INVALID, ["/received_on"]),
    ("a payer with a null", lambda f: f.receive(payer_name="中心\x00"), 422, INVALID, ["/payer_name"]),
    ("an empty payer", lambda f: f.receive(payer_name=""), 422, INVALID, ["/payer_name"]),
    ("a receipt of nobody", lambda f: f.get(f"/receipts/{NOBODY}"), 404, "not_found", []),
    # Disbursements
    (
        "a payment reference twice",
        lambda f: f.disburse(reference="B-TAKEN"),
        409,
        "payment_reference_taken",
        ["/payments/0/reference"],
    ),
    (
        "a payment reference twice at once",
        lambda f: f.disburse(whole={"payments": f.payment(reference="B-2")["payments"] * 2}),
        409,
        "payment_reference_taken",
        ["/payments/1/reference"],
    ),
    (
        "a payment to a household of another county",
        lambda f: f.disburse(payee_id=str(f.stranger.id)),
        422,
        "payee",
        ["/payments/0/payee_id"],
    ),
    ("a payment to nobody", lambda f: f.disburse(payee_id=NOBODY), 422, "payee", ["/payments/0/payee_id"]),
    (
        "a payment to a supplier as a collective",
        lambda f: f.disburse(payee_kind="collective", payee_id=str(f.supplier.id)),
        422,
        "payee",
        ["/payments/0/payee_id"],
    ),
    ("a payment of an odd kind", lambda f: f.disburse(payee_kind="bank"), 422, INVALID, ["/payments/0/payee_kind"]),
    (
        "a payment for another household's contribution",
        lambda f: f.disburse(contribution_id=str(f.contributions[1])),
        422,
        "foreign_contribution",
        ["/payments/0/contribution_id"],
    ),
    (
        "a payment for nobody's contribution",
        lambda f: f.disburse(contribution_id=NOBODY),
        422,
        "foreign_contribution",
        ["/payments/0/contribution_id"],
    ),
    ("a payment in the future", lambda f: f.disburse(whole={"paid_on": "2026-03-03"}), 422, INVALID, ["/paid_on"]),
    (
        "payments that sum to too much",
        lambda f: f.disburse(whole={"payments": [f.payment(10**13)["payments"][0] for _ in range(2)]}),
        422,
        INVALID,
        ["/payments"],
    ),
    ("a payment method unheard of", lambda f: f.disburse(whole={"method": "sacks"}), 422, INVALID, ["/method"]),
    ("a payment confirmed twice", lambda f: f.confirm(f.confirmed_id), 409, "already_confirmed", ["/payment_ids"]),
    ("a payment of nobody confirmed", lambda f: f.confirm(f.payment_id, NOBODY), 404, "not_found", ["/payment_ids"]),
    # Lots and households
    ("a contribution to another supplier's lot", lambda f: f.contribute(f.foreign_lot.id), 404, "not_found", []),
    (
        "a contribution of a household of another county",
        lambda f: f.contribute(household_id=str(f.stranger.id)),
        422,
        "not_enrolled",
        ["/contributions/0/household_id"],
    ),
    (
        "a contribution of nobody",
        lambda f: f.contribute(household_id=NOBODY),
        422,
        "not_enrolled",
        ["/contributions/0/household_id"],
    ),
    (
        "a contribution of produce in hours",
        lambda f: f.contribute(unit="hour"),
        422,
        "wrong_unit",
        ["/contributions/0/unit"],
    ),
    ("another supplier's lot", lambda f: f.get(f"/lots/{f.foreign_lot.id}", f.clerk), 404, "not_found", []),
    ("a household of another county", lambda f: f.get(f"/households/{f.stranger.id}", f.county), 404, "not_found", []),
    # Edits
    (
        "a month of the year 0",
        lambda f: Ask(f.auditor, "POST", "/periods", {"book": "cash", "month": "0000-01"}),
        422,
        INVALID,
        ["/month"],
    ),
    (
        "a household code with a null",
        lambda f: Ask(f.clerk, "POST", "/enrolments", {"household_codes": ["1\x00"]}),
        422,
        INVALID,
        ["/household_codes/0"],
    ),
    ("an edit without If-Match", lambda f: f.edit(None), 428, "precondition_required", []),
    ("an edit with a stale If-Match", lambda f: f.edit('"99"'), 412, "precondition_failed", []),
    ("an edit with an odd If-Match", lambda f: f.edit("*"), 412, "precondition_failed", []),
    ("an edit of another supplier's product", lambda f: f.edit('"1"', f.walnuts), 404, "not_found", []),
    # Who asks
    ("an expired token", lambda f: f.place(desk=f.expired), 401, "token_expired", []),
    ("a revoked token", lambda f: f.place(desk=f.revoked_token), 401, "token_expired", []),
    ("a member locked out", lambda f: f.place(desk=f.locked_out), 401, "token_expired", []),
    ("no token", lambda f: f.place(headers={"Authorization": None}), 401, "unauthenticated", []),
    ("a token of nobody", lambda f: f.place(headers={"Authorization": "Bearer mt_0"}), 401, "unauthenticated", []),
    (
        "a token of another scheme",
        lambda f: f.place(headers={"Authorization": f.orderer.bearer["Authorization"].replace("Bearer", "Basic")}),
        401,
        "unauthenticated",
        [],
    ),
    ("a scheme without a token", lambda f: f.place(headers={"Authorization": "Bearer "}), 401, "unauthenticated", []),
    ("a role that may not", lambda f: f.place(desk=f.receiver), 403, "forbidden", []),
    ("a key whose scopes do not reach", lambda f: f.place(desk=f.keyed), 403, "forbidden", []),
    ("no Idempotency-Key", lambda f: f.place(headers={"Idempotency-Key": None}), 400, "missing_idempotency_key", []),
    (
        "an empty Idempotency-Key",
        lambda f: f.place(headers={"Idempotency-Key": ""}),
        400,
        "missing_idempotency_key",
        [],
    ),
    (
        "an Idempotency-Key too long",
        lambda f: f.place(headers={"Idempotency-Key": "k" * 201}),
        422,
        INVALID,
        ["/header/idempotency-key"],
    ),
    (
        "an Idempotency-Key reused",
        lambda f: f.place(payment_days=7, headers={"Idempotency-Key": "taken"}),
        409,
        "idempotency_key_reused",
        [],
    ),
    # Reading
    ("an unknown parameter of a list", lambda f: f.get("/orders?color=red"), 422, INVALID, ["/query/color"]),
    (
        "an unknown parameter of one thing",
        lambda f: f.get(f"/orders/{f.placed_order['id']}?color=red"),
        422,
        INVALID,
        ["/query/color"],
    ),
    ("a broken cursor", lambda f: f.get("/orders?cursor=%21%21"), 422, INVALID, ["/query/cursor"]),
    ("a cursor of another list", lambda f: f.get("/orders?cursor=YWJj"), 422, INVALID, ["/query/cursor"]),
    ("a cursor with a null", lambda f: f.get("/orders?cursor=AA"), 422, INVALID, ["/query/cursor"]),
    ("a limit of zero", lambda f: f.get("/orders?limit=0"), 422, INVALID, ["/query/limit"]),
    ("a limit too high", lambda f: f.get("/receipts?limit=101"), 422, INVALID, ["/query/limit"]),
    ("a limit that is no number", lambda f: f.get("/orders?limit=ten"), 422, INVALID, ["/query/limit"]),
    ("a filter of an odd status", lambda f: f.get("/orders?status=lost"), 422, INVALID, ["/query/status"]),
    ("a filter with a null", lambda f: f.get("/orders?channel_code=%00"), 422, INVALID, ["/query/channel_code"]),
    (
        "a day that is a number in a query",
        lambda f: f.get("/orders?placed_from=1772409600"),
        422,
        INVALID,
        ["/query/placed_from"],
    ),
    # The request itself
    ("no JSON", lambda f: f.raw(b"{'lines': []}"), 422, INVALID, [""]),
    ("JSON broken off", lambda f: f.raw(b'{"channel_code": "can'), 422, INVALID, [""]),
    ("no body", lambda f: f.raw(b""), 422, INVALID, [""]),
    ("a body that is null", lambda f: f.raw(b"null"), 422, INVALID, [""]),
    ("a body that is a list", lambda f: f.raw(b"[]"), 422, INVALID, [""]),
    ("a body that is text", lambda f: f.raw(b'"order"'), 422, INVALID, [""]),
    (
        "a body in another encoding",
        lambda f: f.raw('{"channel_code": "食堂"}'.encode("gb18030")),
        400,
        "bad_request",
        [],
    ),
    (
        "a body of another type",
        lambda f: f.raw(json.dumps(f.wanted()).encode(), Content_Type="text/plain"),
        422,
        INVALID,
        [""],
    ),
    (
        "a form",
        lambda f: f.raw(b"channel_code=canteen", Content_Type="application/x-www-form-urlencoded"),
        422,
        INVALID,
        [""],
    ),
    ("a body without a type", lambda f: f.raw(json.dumps(f.wanted()).encode(), Content_Type=None), 422, INVALID, [""]),
    ("JSON as deep as a well", lambda f: f.raw(b"[" * 200_000), 400, "bad_request", []),
    (
        "JSON as deep as it may be",
        lambda f: f.raw(b'{"lines":' + b"[" * 500 + b"]" * 500 + b"}"),
        422,
        INVALID,
        ["/channel_code", LINE],
    ),
    ("a number of 5,000 digits", lambda f: f.raw(b'{"payment_days": ' + b"9" * 5_000 + b"}"), 400, "bad_request", []),
    ("a body above 1 MB", lambda f: f.place(external_number="8" * 1_000_000), 413, "body_too_large", []),
    ("an unknown path", lambda f: f.get("/orderz"), 404, "not_found", []),
    ("a path outside", lambda f: f.get("/../../etc/passwd"), 404, "not_found", []),
    (
        "a method the path does not take",
        lambda f: Ask(f.orderer, "DELETE", f"/orders/{f.placed_order['id']}"),
        405,
        "method_not_allowed",
        [],
    ),
    ("a method nobody takes", lambda f: Ask(f.orderer, "BREW", "/orders"), 405, "method_not_allowed", []),
]


@pytest.mark.parametrize(
    ("ask", "status", "code", "pointers"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_bad_input_is_refused_clearly_in_both_languages_and_changes_nothing(
    fair: Fair, ask: Callable[[Fair], Ask], status: int, code: str, pointers: list[str]
) -> None:
    asked = ask(fair)
    before = all_tables(fair.session)
    said: dict[str, list[str]] = {}
    for language in ("en", "zh-CN"):
        answer = asked.send(language)
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
        problem = answer.json()
        assert (problem["code"], problem["status"], problem["type"]) == (code, status, f"urn:market:problem:{code}")
        assert [fault["pointer"] for fault in problem["errors"]] == pointers, problem
        assert problem["request_id"] == answer.headers["x-request-id"]
        said[language] = [problem["detail"], *(fault["detail"] for fault in problem["errors"])]
    assert all(CHINESE.search(sentence) for sentence in said["zh-CN"]), said
    assert not set(said["en"]) & set(said["zh-CN"])
    assert all_tables(fair.session) == before


def test_what_is_refused_here_would_be_taken_without_its_fault(fair: Fair) -> None:
    """Each request that the cases spoil is sound: otherwise a case might be refused for another reason."""
    session = fair.session
    for ask in (
        fair.place(),
        fair.accept(),
        fair.take_back(),
        fair.receive(),
        fair.disburse(),
        fair.edit(f'"{fair.dates.version}"'),
    ):
        before = all_tables(session)
        with session.connection().begin_nested() as trial:
            assert ask.send("en").status_code in {200, 201}
            assert all_tables(session) != before
            trial.rollback()
        assert all_tables(session) == before
