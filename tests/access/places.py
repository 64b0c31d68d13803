"""A market of five places, alike but for where they lie, and one person of every role who looks at them."""

from dataclasses import fields, replace
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.attribution import confirming, disbursing, evidence, pay_lists, pictures
from market.attribution.models import PayList, Payment
from market.attribution.paying import Method
from market.attribution.rules import Kind, PaymentOrder
from market.banking.models import BankLine
from market.banking.rules import Meaning
from market.benefits import registers
from market.benefits.holdings import Holding, RegisterBody
from market.benefits.rules import Mechanism, PlanStatus, RegisterKind
from market.certification.models import CertificateAlert, Objection, PriceEvidence
from market.certification.rules import ApplicationStatus, CertificateStatus, EvidenceKind
from market.households import consents, erasing
from market.households.models import Household, ProxyAct
from market.households.rules import ConsentPurpose
from market.identity.models import Credential, Member, Organisation
from market.identity.rules import Actor, OrganisationKind, Permission, Role, Scope
from market.lots.baselines import propose_baseline
from market.lots.models import Lot
from market.lots.rules import LotStatus
from market.orders import changing
from market.payments import matching, meaning
from market.payments.models import Receipt
from market.payments.rules import OrderPart, ProposalEvent
from market.quantities import MeasuredIn
from tests import factories
from tests.access import custody, giving, refunds
from tests.access.place import BODIES, PLACES, Place
from tests.papers import pdf
from tests.payments.bank import Movement, export
from tests.payments.desk import in_custody
from tests.story import NOON, TODAY, Story, open_channels

LOGIN = "anybody"
NOBODYS = "0198c2f0-5b7a-7c3e-9a54-1f2e3d4c5b6a"
NOWHERE = replace(Place(**dict.fromkeys((field.name for field in fields(Place)), NOBODYS)), code="999999999201")
"""Where nothing exists, though it might."""


def seat_of(role: str) -> str:
    """Return what the body is called in which somebody of the role sits who looks at all places."""
    return f"测试{role}所在单位"


class Market:
    """The places, and the people."""

    def __init__(self, session: orm.Session) -> None:
        """Settle everything."""
        self._session = session
        open_channels(session)
        for code in {*PLACES.values()}:
            factories.region(session, code=code)
        self.places = {name: Settlement(session, code).place() for name, code in PLACES.items()}
        self.tokens: dict[str, str] = {}
        self.keys: dict[str, tuple[str, str]] = {}
        self._bodies: dict[Role, Organisation] = {}
        for role in Role:
            self._join(role)
        factories.member(session, self._body(Role.OPERATOR), login=LOGIN)
        session.flush()

    def _join(self, role: Role) -> None:
        """Let a person of the role and a colleague in, each with an API key."""
        body = self._body(role)
        person, colleague = (factories.member(self._session, body, role) for _ in range(2))
        self.tokens[role] = factories.token(self._session, person)
        self.keys[role] = (key(self._session, person), key(self._session, colleague))

    def _body(self, role: Role) -> Organisation:
        home = self.places["own"]
        if role in BODIES:
            kind, code = BODIES[role]
            if role not in self._bodies:
                self._bodies[role] = factories.organisation(
                    self._session, kind=kind, region_code=code, name=seat_of(role)
                )
            return self._bodies[role]
        seat = home.supplier if role.startswith("supplier") else home.buyer
        return self._session.get_one(Organisation, UUID(seat))


def key(session: orm.Session, member: Member) -> str:
    """Return the id of a new API key of the member."""
    factories.token(session, member, scopes=[Permission.SELF_READ])
    made = sa.select(Credential.id).where(Credential.member_id == member.id, Credential.label.is_not(None))
    return str(session.scalars(made).one())


class Settlement:
    """The making of one place."""

    def __init__(self, session: orm.Session, code: str) -> None:
        """Bring a supplier and a buyer together over a lot to which a household contributed."""
        self.session, self.code = session, code
        self.collective = factories.organisation(session, kind=OrganisationKind.VILLAGE_COLLECTIVE, region_code=code)
        shares = [(self.collective.id, 1)]
        pools = [(Mechanism.COLLECTIVE_DIVIDEND, 500, shares), (Mechanism.PATRONAGE, 100, None)]
        self.story = story = Story(session, pools=pools, region_code=code)
        self.household = story.household(village_code=code)
        self.lot, (self.contribution,) = story.lot(100_000, {self.household.id: 30_000})
        self.member = factories.member(session, story.supplier, Role.SUPPLIER_MANAGER)

    def place(self) -> Place:
        """Let everything happen, and return the names of it."""
        story = self.story
        newcomer = self.newcomer()
        certified = self.certificates()
        return Place(
            code=self.code,
            supplier=str(story.supplier.id),
            supplier_name=story.supplier.name,
            buyer=str(story.buyer.id),
            supplier_member=str(self.member.id),
            buyer_member=str(story.orderer.member_id),
            key=key(self.session, self.member),
            household=str(self.household.id),
            household_code=self.household.code,
            item=str(factories.account_item(self.session, self.household).id),
            household_baseline=str(factories.household_baseline(self.session, self.household, confirmed=False).id),
            newcomer=str(newcomer.id),
            newcomer_code=newcomer.code,
            collective=str(self.collective.id),
            plan=str(story.product.plan_id),
            category=story.product.category_code,
            product=str(story.product.id),
            open_lot=str(self.lot.id),
            contribution=str(self.contribution.id),
            **certified,
            **self.versions(),
            **self.registers(),
            **self.applications(),
            **self.lots(),
            **(traded := self.trade()),
            **self.banking(traded["accepted"]),
            **custody.settlements(self.session, (bank := in_custody(self.session)), self.story, self.code),
            **refunds.online(self.session, self.story),
            **refunds.refunds(self.session, bank, self.story),
            **giving.sharing(self.session, self.story, self.household, self.collective),
            **self.personal(),
        )

    def banking(self, accepted: str) -> dict[str, str]:
        """Import a statement of the supplier's own account: of two lines that wait one is proposed for an order."""
        session, clerk = self.session, self.story.clerk
        number = f"1400 {self.code} {clerk.organisation_id.int % 10**9:09d}"
        account = factories.bank_account(session, clerk, account_number=number)
        told = export(Movement(500, "货款", "A1"), Movement(700, "货款", "A2"), Movement(-5, "手续费", "A3"))
        matching.take_over(session, clerk, account_id=account.id, content=told, profile=None, now=NOON)
        of_it = sa.select(BankLine.id).where(BankLine.bank_account_id == account.id)
        lines = session.scalars(of_it.order_by(BankLine.amount_fen.desc())).all()
        parts = [OrderPart(UUID(accepted), 100)]
        match = matching.propose(session, clerk, line_id=lines[1], parts=parts, reason="附言写错", now=NOON)
        fee = meaning.propose(session, clerk, line_id=lines[2], meaning=Meaning.BANK_FEE, reason="手续费", now=NOON)
        colleague = factories.actor(session, factories.member(session, self.story.supplier, Role.SUPPLIER_MANAGER))
        matching.decide(session, colleague, proposal_id=fee.id, event=ProposalEvent.APPROVE, now=NOON)
        named = {"bank_line": str(lines[0]), "match": str(match.id), "meaning": str(fee.id)}
        return {"bank_account": str(account.id), **named}

    def newcomer(self) -> Household:
        """Propose a household that its village has not confirmed yet."""
        household = factories.household(self.session, village_code=self.code)
        factories.enrolment(self.session, self.story.supplier, household, confirmed=False)
        return household

    def personal(self) -> dict[str, str]:
        """Record a person of the household, what the household consents to, and that another's data be erased."""
        session, erased = self.session, factories.household(self.session, village_code=self.code)
        office = factories.organisation(session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=self.code)
        clerk = factories.actor(session, factories.member(session, office, Role.VILLAGE_CLERK), Scope.REGION)
        factories.enrolment(session, self.story.supplier, erased)
        factories.person(session, erased)
        consent = consents.give(
            session,
            clerk,
            household_id=self.household.id,
            purpose=ConsentPurpose.PAYMENT_DETAILS,
            valid_from=date(2026, 1, 1),
            valid_until=None,
            evidence="纸质同意书",
            now=NOON,
            today=TODAY,
        )
        made = {
            "person": factories.person(session, self.household).id,
            "consent": consent.id,
            "proxy_act": session.scalars(sa.select(ProxyAct.id).filter_by(about_id=consent.id)).one(),
            "erasure": erasing.request(session, clerk, household_id=erased.id, reason="本人申请", now=NOON).id,
        }
        return {name: str(id_) for name, id_ in made.items()}

    def versions(self) -> dict[str, str]:
        """Write two more versions of the plan: a draft, and one that was simulated, for the county to decide."""
        plan = factories.plan(self.session, self.story.supplier, status=PlanStatus.DRAFT)
        drafts = {"draft_version": PlanStatus.DRAFT, "submitted_version": PlanStatus.SUBMITTED}
        made = {
            name: factories.plan_version(self.session, plan, number=number, status=status)
            for number, (name, status) in enumerate(drafts.items(), 2)
        }
        factories.plan_simulation(self.session, made["submitted_version"])
        return {name: str(version.id) for name, version in made.items()}

    def registers(self) -> dict[str, str]:
        """Keep a register with a draft, and with a version for the county to decide."""
        clerk = self.story.clerk
        register = registers.open_register(self.session, clerk, kind=RegisterKind.SHARES, name="股份登记")
        body = RegisterBody(RegisterKind.SHARES, (Holding(str(self.household.id), own_fen=100_000),))
        draft, submitted = (
            registers.draft(
                self.session,
                clerk,
                register_id=register.id,
                body=body,
                valid_from=TODAY,
                evidence="入股凭证",
                now=NOON,
            )
            for _ in range(2)
        )
        registers.submit(self.session, clerk, version_id=submitted.id)
        made = {"register": register.id, "draft_register": draft.id, "submitted_register": submitted.id}
        return {name: str(id_) for name, id_ in made.items()}

    def applications(self) -> dict[str, str]:
        """Apply five times, with evidence, and let each come to another step; the one on notice is objected to."""
        made = {}
        for name, status in (
            ("submitted", ApplicationStatus.SUBMITTED),
            ("township_passed", ApplicationStatus.TOWNSHIP_PASSED),
            ("trade_passed", ApplicationStatus.TRADE_PASSED),
            ("notice", ApplicationStatus.ON_NOTICE),
            ("cleared", ApplicationStatus.CLEARED),
        ):
            ends_on = TODAY + timedelta(days=7) if status is ApplicationStatus.ON_NOTICE else None
            row = factories.application(self.session, self.story.supplier, status=status, notice_ends_on=ends_on)
            evidence = {"kind": EvidenceKind.LINK, "reference": "https://shop.example/junzao", "observed_on": TODAY}
            self.session.add(
                PriceEvidence(application_id=row.id, price_fen=100_000, recorded_by=row.made_by, **evidence)
            )
            made[name] = str(row.id)
        objector = self.story.orderer.member_id
        objection = Objection(
            application_id=UUID(made["notice"]), reason="产地与申报不符", raised_by=objector, raised_at=NOON
        )
        self.session.add(objection)
        self.session.flush()
        return made | {"objection": str(objection.id)}

    def certificates(self) -> dict[str, str]:
        """Suspend one certificate; the other, with a product still to be listed, is about to lapse."""
        supplier, category = self.story.supplier, self.story.product.category_code
        valid, suspended = (
            factories.certificate(self.session, supplier, category_code=category, status=status)
            for status in (CertificateStatus.VALID, CertificateStatus.SUSPENDED)
        )
        draft = factories.product(self.session, supplier, certificate=valid, listed=False)
        self.session.add(CertificateAlert(certificate_id=valid.id, days=30, raised_at=NOON))
        self.session.flush()
        made = {"certificate": valid.id, "batch": valid.batch_id, "suspended": suspended.id, "draft": draft.id}
        return {name: str(id_) for name, id_ in made.items()}

    def lots(self) -> dict[str, str]:
        """Put up a lot still to be opened, one that is held, and one for which a baseline is proposed."""

        def lot(status: LotStatus) -> Lot:
            return factories.lot(self.session, self.story.product, status=status, bought_in_milli=100_000)

        measured = lot(LotStatus.OPEN)
        propose_baseline(
            self.session,
            self.story.clerk,
            lot_id=measured.id,
            period_from=date(2025, 1, 1),
            period_to=date(2025, 12, 31),
            source="村委会2025年产量登记表",
            area_milli_mu=180_000,
            yield_milli_per_mu=1_000_000,
            measured_in=MeasuredIn.JIN,
            unit_price_fen=120,
        )
        held = lot(LotStatus.HELD)
        held.area_milli_mu, held.bought_in_milli = 1, 0  # more than its land can bear: a record that is odd
        made = {"draft_lot": lot(LotStatus.DRAFT), "held_lot": held, "measured_lot": measured}
        return {name: str(row.id) for name, row in made.items()}

    def trade(self) -> dict[str, str]:
        """Leave an order at each step, the last one paid, and pay the household."""
        story = self.story
        _, confirmed, shipped, accepted, paid = orders = [story.place("5") for _ in range(5)]
        changing.confirm(self.session, story.clerk, order_id=confirmed.id, now=NOON)
        for order in orders[2:]:
            story.deliver(order)
        for order in (accepted, paid):
            story.accept(order)
        story.pay(paid, 5_000)
        offered = story.offer(paid, 100)
        (payment,) = story.disburse({self.household.id: 100})
        paid_out = self.session.get_one(Payment, payment)
        code = confirming.issue_code(self.session, self.village, payment_id=payment, now=NOON)
        proof, unused = (self.evidence(name) for name in ("proof", "unused"))
        disbursing.add_evidence(
            self.session, story.clerk, disbursement_id=paid_out.disbursement_id, evidence_ids=[proof], now=NOON
        )
        receipt = self.session.scalars(sa.select(Receipt.id).where(Receipt.supplier_id == story.supplier.id)).one()
        lines = {
            f"{name}_line": str(story.lines(order)[0].id)
            for name, order in (("confirmed", confirmed), ("shipped", shipped), ("accepted", accepted))
        }
        names = ("placed", "confirmed", "shipped", "accepted", "paid")
        ids = {name: str(order.id) for name, order in zip(names, orders, strict=True)}
        bank, in_cash = (self.pay_list(method) for method in (Method.BANK_TRANSFER, Method.CASH))
        ids |= {"bank_list": str(bank.id), "cash_list": str(in_cash.id)}
        ids["bank_list_reference"] = pay_lists.lines_of(self.session, bank)[0].reference
        ids["price_cut"] = str(offered.id)
        proved = {"disbursement": paid_out.disbursement_id, "proof": proof, "unused_evidence": unused}
        named = {name: str(id_) for name, id_ in proved.items()}
        return ids | lines | named | {"receipt": str(receipt), "payment": str(payment), "payment_code": code}

    @property
    def village(self) -> Actor:
        """The clerk of the place's village."""
        office = factories.organisation(self.session, kind=OrganisationKind.VILLAGE_OFFICE, region_code=self.code)
        clerk = factories.member(self.session, office, Role.VILLAGE_CLERK)
        return factories.actor(self.session, clerk, Scope.REGION)

    def pay_list(self, method: Method) -> PayList:
        """Write a list that pays the household."""
        payment = PaymentOrder(Kind.HOUSEHOLD, self.household.id, 100, f"{method}-{self.story.supplier.name}", None)
        return pay_lists.prepare(
            self.session,
            self.story.clerk,
            method=method,
            paid_on=TODAY if method is Method.CASH else None,
            evidence="代发清单",
            payments=[payment],
            now=NOON,
        )

    def evidence(self, name: str) -> UUID:
        """Upload a file of the supplier."""
        content = pdf(f"{name} {self.story.supplier.name}")
        seen = pictures.look(content)
        return evidence.store(self.session, self.story.clerk, content, seen, stated_on=TODAY, now=NOON).id
