"""A market day by HTTP: two suppliers' stalls, a school's canteen, and everyone with a say, each at a desk."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.benefits.rules import Mechanism, PlanBody, Pool
from market.catalog.models import Product
from market.households.models import Household
from market.identity.models import Member, Organisation
from market.identity.rules import OrganisationKind, Role
from market.orders.models import Order
from tests import factories

NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = "2026-03-02"
VILLAGE = "141122106201"
EVIDENCE = {"acceptance_note": "验收单 2026-0302", "invoice": "24142000000012345678"}


class Desk:
    """One person's requests: each with the token and an Idempotency-Key of its own, unless told otherwise."""

    def __init__(self, client: TestClient, session: orm.Session, member: Member) -> None:
        """Issue the token."""
        self.client = client
        self.member = member
        self.bearer = {"Authorization": f"Bearer {factories.token(session, member)}"}

    def post(self, path: str, body: Any = None, *, key: str | None = None, **headers: str) -> Any:
        """Send a POST; `path` may carry a query."""
        sent = self.bearer | {"Idempotency-Key": key or uuid4().hex} | headers
        return self.client.post(f"/v1{path}", json=body, headers=sent)

    def get(self, path: str, **params: Any) -> Any:
        """Send a GET with query parameters."""
        return self.client.get(f"/v1{path}", params=params, headers=self.bearer)

    def made(self, path: str, body: Any = None) -> Any:
        """Return the content of a 201."""
        answer = self.post(path, body)
        assert answer.status_code == 201, answer.text
        return answer.json()


class Stalls:
    """Who is in the market, what is on sale, and the requests of a usual day."""

    def __init__(self, client: TestClient, session: orm.Session) -> None:
        """Bring the parties together: the first supplier pays dividends and bought from two households."""
        self.client, self.session = client, session
        factories.seven_into(session)
        self.supplier, self.other_supplier = (factories.organisation(session) for _ in range(2))
        self.buyer, self.other_buyer = (factories.organisation(session, kind=OrganisationKind.SCHOOL) for _ in range(2))
        self.collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code=VILLAGE)
        self.households = [self.household() for _ in range(3)]
        self.clerk = self.desk(self.supplier, Role.SUPPLIER_CLERK)
        self.manager = self.desk(self.supplier, Role.SUPPLIER_MANAGER)
        self.other_clerk = self.desk(self.other_supplier, Role.SUPPLIER_CLERK)
        self.orderer = self.desk(self.buyer, Role.BUYER_CLERK)
        self.receiver = self.desk(self.buyer, Role.BUYER_RECEIVER)
        self.other_orderer = self.desk(self.other_buyer, Role.BUYER_CLERK)
        self.other_receiver = self.desk(self.other_buyer, Role.BUYER_RECEIVER)
        self.village = self.official(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, VILLAGE)
        self.county = self.official(OrganisationKind.AGRICULTURE_DEPARTMENT, Role.COUNTY_REVIEWER, "141122")
        self.other_county = self.official(OrganisationKind.AGRICULTURE_DEPARTMENT, Role.COUNTY_REVIEWER, "141130")
        self.auditor = self.official(OrganisationKind.AUDIT_OFFICE, Role.AUDITOR, "14")
        self.operator = self.official(OrganisationKind.PLATFORM, Role.OPERATOR, "14")
        dividends = tuple((str(household.id), 3 - position) for position, household in enumerate(self.households))
        pools = (
            Pool(Mechanism.SHARE_DIVIDEND, 1_000, dividends),
            Pool(Mechanism.COLLECTIVE_DIVIDEND, 500, ((str(self.collective.id), 1),)),
        )
        body = PlanBody((Mechanism.ORDER_PURCHASE,), pools)
        plan = factories.plan(session, self.supplier, body=body)
        self.dates = factories.product(session, self.supplier, plan=plan)
        self.walnuts = factories.product(session, self.other_supplier, name="核桃", tiers=(("1", 500), ("10", 400)))
        lot = factories.lot(session, self.dates, quantity_milli=100_000)
        self.contributions = [
            factories.contribution(session, lot, household, amount_fen=30_000 * (position + 1)).id
            for position, household in enumerate(self.households[:2])
        ]
        factories.lot(session, self.walnuts, quantity_milli=50_000)

    @classmethod
    def paid(cls, client: TestClient, session: orm.Session) -> "Stalls":
        """Return the stalls after the first order: accepted, and paid by its buyer."""
        stalls = cls(client, session)
        stalls.clerk.made("/receipts", stalls.money(stalls.accepted(), 10_000))
        return stalls

    def desk(self, organisation: Organisation, role: Role) -> Desk:
        """Give a new member of the organisation a desk."""
        return Desk(self.client, self.session, factories.member(self.session, organisation, role))

    def official(self, kind: OrganisationKind, role: Role, region_code: str) -> Desk:
        """Give a new member of a new body of a region a desk."""
        return self.desk(factories.organisation(self.session, kind=kind, region_code=region_code), role)

    def household(self) -> Household:
        """Put a household on the register and enrol it with the first supplier."""
        household = factories.household(self.session, village_code=VILLAGE)
        factories.enrolment(self.session, self.supplier, household)
        return household

    @staticmethod
    def line(product: Product, quantity: str = "10", **changed: Any) -> dict[str, Any]:
        """Return a wanted line."""
        return {"product_id": str(product.id), "quantity": quantity, "unit": "kg"} | changed

    def wanted(self, *lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Return a request for the lines, or for 10 kg of dates."""
        return {"channel_code": "canteen", "lines": list(lines) or [self.line(self.dates)]} | changed

    def placed(self, *lines: dict[str, Any]) -> dict[str, Any]:
        """Place the lines, all of one supplier; return the order as its buyer sees it."""
        (order,) = self.orderer.made("/order-groups", self.wanted(*lines))["orders"]
        return dict(self.orderer.get(f"/orders/{order['id']}").json())

    def shipped(self, *lines: dict[str, Any]) -> dict[str, Any]:
        """Place, confirm and ship."""
        order = self.placed(*lines)
        self.clerk.made(f"/orders/{order['id']}/confirmation")
        return dict(self.clerk.made(f"/orders/{order['id']}/shipment", {"shipped_on": TODAY}))

    def accepted(self, *lines: dict[str, Any]) -> dict[str, Any]:
        """Place, ship and accept whole."""
        order = self.shipped(*lines)
        self.receiver.made(f"/orders/{order['id']}/acceptances", self.acceptance(order))
        return dict(self.receiver.get(f"/orders/{order['id']}").json())

    @staticmethod
    def acceptance(order: dict[str, Any], **changed: Any) -> dict[str, Any]:
        """Return an acceptance of all that was shipped; the changes are those of its first line."""
        lines = [
            {
                "order_line_id": line["id"],
                "received": line["shipped"],
                "accepted": line["shipped"],
                "rejected": "0",
                "damaged": "0",
                "short": "0",
            }
            for line in order["lines"]
        ]
        lines[0] |= changed
        evidence = EVIDENCE | {"invoice": f"26142{order['number'][1:]}"}
        return {"accepted_on": TODAY, "evidence": evidence, "lines": lines}

    @staticmethod
    def coming_back(order: dict[str, Any], quantity: str = "1", **changed: Any) -> dict[str, Any]:
        """Return a return of some of the first line."""
        line = {"order_line_id": order["lines"][0]["id"], "quantity": quantity, "resaleable": True} | changed
        return {"returned_on": TODAY, "reason": "品质不符", "lines": [line]}

    def bank_account(self, opener: Desk, number: str, confirming: Desk) -> str:
        """Return an account of the opener's organisation that another confirmed."""
        account = opener.made("/bank-accounts", {"bank_name": "农行", "number": number})
        return str(confirming.made(f"/bank-accounts/{account['id']}/confirmation")["id"])

    @staticmethod
    def money(order: dict[str, Any], amount_fen: int, **changed: Any) -> dict[str, Any]:
        """Return a receipt that pays one order."""
        return {
            "bank_reference": f"ICBC-{uuid4().hex[:12]}",
            "payer_name": "交城县财政国库支付中心",
            "amount_fen": amount_fen,
            "received_on": TODAY,
            "orders": [{"order_id": order["id"], "amount_fen": amount_fen}],
        } | changed

    def payment(self, amount_fen: int = 1_000, *, household: int = 0, **changed: Any) -> dict[str, Any]:
        """Return a disbursement of one payment; the changes are those of the payment."""
        payment = {
            "payee_kind": "household",
            "payee_id": str(self.households[household].id),
            "amount_fen": amount_fen,
            "reference": f"B-{uuid4().hex[:12]}",
        } | changed
        return {
            "paid_on": TODAY,
            "method": "bank_transfer",
            "evidence": "银行代发回单 20260302-01",
            "payments": [payment],
        }

    def row(self, order: dict[str, Any]) -> Order:
        """Return the order's row as it is now."""
        return self.session.get_one(Order, UUID(order["id"]), populate_existing=True)


def all_tables(session: orm.Session) -> dict[str, tuple[int, str]]:
    """Return the number of rows of every table and a digest of their content."""
    names = session.scalars(
        sa.text(
            "SELECT c.oid::regclass::text FROM pg_class c"
            " WHERE c.relkind = 'r' AND has_table_privilege(c.oid, 'SELECT')"
            " AND c.relnamespace IN ('public'::regnamespace, 'vault'::regnamespace) ORDER BY 1"
        )
    ).all()
    each = (
        f"SELECT '{name}' AS name, count(*) AS rows, coalesce(md5(string_agg(t::text, '|' ORDER BY t::text)), '')"
        f" FROM {name} t"
        for name in names
    )
    return {row[0]: (row[1], row[2]) for row in session.execute(sa.text(" UNION ALL ".join(each)))}
