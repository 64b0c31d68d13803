"""Who imports statements and decides on matches, and what the auditor says of it."""

from datetime import datetime
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.banking.models import BankLine
from market.banking.rules import Meaning, Waiting
from market.banks.rules import identification_code, printed_code
from market.channels.rules import FundsModel
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.orders.models import Order, OrderGroup
from market.payments import matching
from market.payments import meaning as said
from market.payments.matching import TakenOver
from market.payments.rules import OrderPart, ProposalEvent
from tests import factories
from tests.payments.bank import Movement, export
from tests.story import NOON, Story, open_channels


class Bank:
    """An account, who imports its statements, and a colleague who decides on matches."""

    def __init__(self, session: orm.Session, clerk: Actor, colleague: Actor) -> None:
        self.session, self.clerk, self.colleague = session, clerk, colleague
        self.account = factories.bank_account(session, clerk, account_number=f"14 {clerk.member_id.hex}")

    def tell(self, *movements: Movement, now: datetime = NOON) -> int:
        """Import a statement; return how many lines were matched with it."""
        told = self.upload(export(*movements), now=now)
        assert told.statement.line_count == len(movements)
        return told.matched

    def upload(self, content: bytes, *, now: datetime = NOON) -> TakenOver:
        """Import a file."""
        return matching.take_over(
            self.session, self.clerk, account_id=self.account.id, content=content, profile=None, now=now
        )

    def waiting(self) -> list[Waiting | None]:
        """Return why each line waits that does."""
        lines = sa.select(BankLine.waiting).where(BankLine.open_fen != 0, BankLine.bank_account_id == self.account.id)
        return list(self.session.scalars(lines.order_by(BankLine.id)))

    def line(self) -> BankLine:
        """Return the line that was told last."""
        last = sa.select(BankLine).where(BankLine.bank_account_id == self.account.id).order_by(BankLine.id.desc())
        return self.session.scalars(last.limit(1)).one()

    def propose(self, *parts: OrderPart) -> UUID:
        """Propose what the last line pays."""
        proposed = matching.propose(
            self.session, self.clerk, line_id=self.line().id, parts=parts, reason="附言写错", now=NOON
        )
        return proposed.id

    def mean(self, meaning: Meaning) -> UUID:
        """Say, two of them, what the last line is that belongs to no order."""
        proposed = said.propose(
            self.session, self.clerk, line_id=self.line().id, meaning=meaning, reason="与订单无关", now=NOON
        )
        self.decide(proposed.id, ProposalEvent.APPROVE)
        return proposed.id

    def decide(self, proposal: UUID, event: ProposalEvent, *, by: Actor | None = None) -> None:
        """Decide on a proposal, as the colleague if nobody else is named."""
        matching.decide(self.session, by or self.colleague, proposal_id=proposal, event=event, now=NOON)


def selling(session: orm.Session) -> Story:
    """Open a market in which a supplier sells what one household delivered."""
    open_channels(session)
    story = Story(session, price_fen=1_000)
    story.lot(1_000_000, {story.household().id: 50_000_000})
    return story


def in_custody(session: orm.Session) -> Bank:
    """Register an account in custody, of the platform."""
    platform = factories.organisation(session, kind=OrganisationKind.PLATFORM)
    members = (factories.member(session, platform, Role.OPERATOR) for _ in range(2))
    return Bank(session, *(factories.actor(session, member, Scope.ALL) for member in members))


def of_supplier(story: Story) -> Bank:
    """Register the supplier's own account."""
    member = factories.member(story.session, story.supplier, Role.SUPPLIER_MANAGER)
    return Bank(story.session, story.clerk, factories.actor(story.session, member))


def placed(story: Story, quantity: str, *, model: FundsModel = FundsModel.CUSTODIAN) -> Order:
    return story.place(quantity, funds_model=model)


def code(story: Story, *orders: Order) -> str:
    groups = (story.session.get_one(OrderGroup, order.group_id) for order in orders)
    return " ".join(printed_code(identification_code(group.number)) for group in groups)


def complaints(session: orm.Session) -> list[str]:
    session.flush()
    symptoms = [symptom.line() for symptom in examine(session)]
    return symptoms + [finding.line() for finding in verify(session).findings]
