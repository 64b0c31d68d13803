"""What the cases of bad input share: a market in which everything has happened once, and how a case is written."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from starlette.testclient import TestClient

from market.benefits.holdings import Entitlement, RegisterBody
from market.benefits.rules import RegisterKind
from market.catalog import service as catalog
from market.catalog.models import Product
from market.catalog.rules import ProductStatus
from market.certification.rules import CertificateStatus
from market.households.models import PersonalDataAccess
from market.households.rules import REVEALED_PER_HOUR, AccessKind, Purpose
from market.identity.models import Credential
from market.identity.rules import OrganisationKind, Permission, Role
from market.lots.rules import LotStatus
from market.quantities import Unit
from tests import factories
from tests.papers import pdf
from tests.stalls import NOON, TODAY, VILLAGE, Desk, Stalls, all_tables

NOBODY = "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"


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
        self._written: int | None = None
        self._tables: dict[str, tuple[int, str]] = {}
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
        self.people()
        self.registers()
        self.shared_out()
        self.listed()
        session.flush()

    def tables(self) -> dict[str, tuple[int, str]]:
        """Return what is in every table, read again only if a row was written since, if only for a moment."""
        written = self.written()
        if written != self._written:
            self._written, self._tables = written, all_tables(self.session)
        return self._tables

    def written(self) -> int:
        """Return how many rows were written so far, those that were forgotten too."""
        counted = sa.text("SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) FROM pg_stat_xact_user_tables")
        return int(self.session.scalars(counted).one())

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

    def people(self) -> None:
        """Put people on the register, with consents that hold no more, and erasures asked for and carried out."""
        session, village = self.session, self.village
        factories.region(session, code=VILLAGE)
        self.tired = self.desk(factories.organisation(session, region_code=VILLAGE), Role.COUNTY_REVIEWER)
        first, second, third = self.households
        self.person, self.other_person, _ = (
            factories.person(session, home, known=factories.particulars(serial))
            for serial, home in enumerate(self.households, 8_000)
        )
        self.distant_person = factories.person(session, self.stranger)
        self.full, self.erased, self.departed = (
            factories.household(session, village_code=VILLAGE, head_count=1) for _ in range(3)
        )
        for home in (self.full, self.erased):
            factories.person(session, home)
        self.departed.departed_on = date(2026, 2, 1)
        self.county.made(f"/households/{self.erased.id}/erasures", {"reason": "本人申请"})
        self.erasure_id = village.made(f"/households/{third.id}/erasures", {"reason": "本人申请"})["id"]
        given = {"purpose": "payment_details", "evidence": "同意书"}
        lapsed = given | {"valid_from": "2025-01-01", "valid_until": "2026-03-02"}
        village.made(f"/households/{first.id}/consents", lapsed)
        self.consent_id = village.made(
            f"/households/{first.id}/consents", given | {"purpose": "public_disclosure", "valid_from": "2026-03-01"}
        )["id"]
        self.withdrawn_id = village.made(f"/households/{second.id}/consents", given | {"valid_from": TODAY})["id"]
        village.made(f"/consents/{self.withdrawn_id}/withdrawal", {"evidence": "到村声明"})
        self.read_an_hours_worth()

    def read_an_hours_worth(self) -> None:
        """Let one officer have read as many households as one may within the hour."""
        self.session.add(
            PersonalDataAccess(
                kind=AccessKind.REVEAL,
                member_id=self.tired.member.id,
                role=Role.COUNTY_REVIEWER,
                acting_for=self.tired.member.organisation_id,
                purpose=Purpose.ASSISTANCE,
                reason="入户走访",
                household_ids=[uuid4() for _ in range(REVEALED_PER_HOUR)],
                fields=["name"],
                person_count=REVEALED_PER_HOUR,
                ip="192.0.2.7",
                request_id="0",
                accessed_at=NOON,
            )
        )

    def registers(self) -> None:
        """Open registers, with a version of each status."""
        self.keeper = self.desk(self.collective, Role.SUPPLIER_CLERK)
        opened = {"kind": "shares", "name": "股份登记"}
        self.shares_id = self.clerk.made("/registers", opened)["id"]
        self.kept_shares_id = self.clerk.made("/registers", opened | {"name": "社员股份"})["id"]
        self.foreign_shares_id = self.other_clerk.made("/registers", opened)["id"]
        self.entitlements_id = self.clerk.made("/registers", {"kind": "entitlements", "name": "代养协议"})["id"]
        self.other_collective = factories.organisation(
            self.session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code="141130101201"
        )
        row = Entitlement(str(self.households[0].id), 5_000_000, 800, 600, 200, str(self.collective.id))
        entrusted = RegisterBody(RegisterKind.ENTITLEMENTS, (row,))
        self.approved_entitlements_id = str(factories.register_version(self.session, self.supplier, entrusted).id)
        self.list_id = self.keeper.made("/registers", {"kind": "list", "name": "分配名单"})["id"]
        self.drafted_id, self.submitted_id, self.approved_id = (
            self.clerk.made(f"/registers/{self.shares_id}/versions", self.shares())["id"] for _ in range(3)
        )
        self.kept_approved_id = self.clerk.made(f"/registers/{self.kept_shares_id}/versions", self.shares())["id"]
        rows = [{"household_code": self.households[0].code, "weight": 1}]
        listed = {"valid_from": "2026-01-01", "evidence": "村民代表会议决议", "list": rows}
        self.approved_list_id = self.keeper.made(f"/registers/{self.list_id}/versions", listed)["id"]
        for desk, version_id in (
            (self.clerk, self.submitted_id),
            (self.clerk, self.approved_id),
            (self.clerk, self.kept_approved_id),
            (self.keeper, self.approved_list_id),
        ):
            assert desk.post(f"/register-versions/{version_id}/submission").status_code == 200
        for version_id in (self.approved_id, self.kept_approved_id, self.approved_list_id):
            path = f"/register-versions/{version_id}/approval"
            assert self.county.post(path, {"opinion": "同意"}).status_code == 200

    def shares(self, **changed: Any) -> dict[str, Any]:
        """Return a version of a share register with one household, with changes to its row."""
        row = {"household_code": self.households[0].code, "own_fen": 10_000} | changed
        return {"valid_from": "2026-01-01", "evidence": "入股凭证", "shares": [row]}

    def dividend(self, **changed: Any) -> dict[str, Any]:
        """Return a proposal to share out 100 fen of two months by the shares, with changes to its formula."""
        formula = {"formula": "dividend", "register_version_id": self.approved_id, "amount_fen": 100} | changed
        return {"period_from": "2026-01-01", "period_to": TODAY, "formula": formula, "evidence": "成员大会决议"}

    def shared_out(self) -> None:
        """Sell what nobody delivered, propose lists, turn one down, and let the collective give some money on."""
        bought_in = factories.product(self.session, self.supplier, name="苹果")
        factories.lot(self.session, bought_in, quantity_milli=50_000)
        sold = self.accepted(self.line(bought_in))
        self.clerk.made("/receipts", self.money(sold, sold["amount_fen"]))
        kept = self.dividend(register_version_id=self.kept_approved_id)
        self.rejected_id = self.clerk.made("/distributions", kept)["id"]
        turned_down = self.county.post(f"/distributions/{self.rejected_id}/rejection", {"opinion": "名单有误"})
        assert turned_down.status_code == 200
        self.proposed_id = self.clerk.made("/distributions", kept)["id"]
        to_collective = self.payment(100, payee_kind="collective", payee_id=str(self.collective.id))
        self.disbursement_id = self.clerk.made("/disbursements", to_collective)["id"]
        self.stated_id, self.given_id, self.confirmed_given_id = (
            self.keeper.made("/second-distributions", self.giving(reference=f"二次-{number}"))["id"]
            for number in range(3)
        )
        for given_id in (self.given_id, self.confirmed_given_id):
            approved = self.county.post(f"/second-distributions/{given_id}/approval", {"opinion": "同意"})
            assert approved.status_code == 200
        path = f"/second-distributions/{self.confirmed_given_id}/confirmation"
        assert self.village.post(path).status_code == 200

    def giving(self, **changed: Any) -> dict[str, Any]:
        """Return what the collective gives on: 10 fen, with changes."""
        return {
            "supplier_id": str(self.supplier.id),
            "register_version_id": self.approved_list_id,
            "amount_fen": 10,
            "given_on": TODAY,
            "evidence": "村民代表会议决议",
            "reference": "二次-3",
        } | changed

    def to_pay(self, **changed: Any) -> dict[str, Any]:
        """Return a list of one payment by the bank, with changes to the list."""
        return {
            "method": "bank_transfer",
            "evidence": "代发清单",
            "payments": self.payment(100)["payments"],
        } | changed

    def listed(self) -> None:
        """Write lists to pay, in cash and by the bank, and keep files, of which one has proved something."""
        self.bank_list = self.clerk.made("/pay-lists", self.to_pay())
        self.cash_list = self.clerk.made("/pay-lists", self.to_pay(method="cash", paid_on=TODAY))
        self.withdrawn_list = self.clerk.made("/pay-lists", self.to_pay())
        self.clerk.made(f"/pay-lists/{self.withdrawn_list['id']}/withdrawal")
        self.unused_id, self.used_id = (
            Ask(self.clerk, "POST", "/evidence", content=pdf(name)).send("en").json()["id"]
            for name in ("unused", "used")
        )
        self.foreign_file_id = (
            Ask(self.other_clerk, "POST", "/evidence", content=pdf("foreign")).send("en").json()["id"]
        )
        self.clerk.made(f"/disbursements/{self.disbursement_id}/evidence", {"evidence_ids": [self.used_id]})

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

    def reverse(self, payment_id: object = None, *, by: Desk | None = None, **changed: Any) -> Ask:
        """Reverse the payment on record, which its clerk alone may not."""
        body = {"reason": "金额录入错误"} | changed
        return Ask(by or self.manager, "POST", f"/payments/{payment_id or self.payment_id}/reversal", body)

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


Case = tuple[str, Callable[[Fair], Ask], int, str, list[str]]
"""What is wrong, the request, and the status, code and pointers of its refusal."""
INVALID = "invalid_input"
LINE, FIRST = "/lines/0", "/lines/0/order_line_id"
