"""The sample going on for a month: who of it buys, delivers, pays, contests and is paid, online and in custody."""

from collections.abc import Mapping
from datetime import date, timedelta
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.reconciling import Reconciliation, reconcile
from market.banking.models import BankAccount
from market.banking.rules import AccountPurpose
from market.banks.rules import identification_code, printed_code
from market.catalog.models import Product
from market.channels.rules import FundsModel
from market.clock import CHINA_STANDARD_TIME
from market.identity.models import Member, Organisation
from market.identity.rules import Actor, Permission, scope_of
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.orders import acceptance, changing, placing, returns
from market.orders import queries as orders
from market.orders.models import Order, OrderGroup
from market.orders.rules import OrderEvent
from market.payments import connecting, matching, refunding
from market.payments.models import Refund
from market.payments.refunding import Wish
from market.payments.rules import RefundEvent
from market.settlements import service, tasks
from market.settlements.models import Settlement
from market.settlements.rules import SettlementEvent
from market.settlements.statement import statement
from tests.payments.bank import Movement, export
from tests.payments.till import CARD, Till

CHANNEL_OF = {"family-a": "household", "family-b": "household", "village-shop": "online", "ly-shop": "online"}


def acting(session: orm.Session, login: str, permission: Permission) -> Actor:
    """Return a member of the sample who uses a permission."""
    member = session.scalars(sa.select(Member).where(Member.login == login)).one()
    body = session.get_one(Organisation, member.organisation_id)
    scope = scope_of(member.role, permission, None)
    return Actor(member.id, body.id, body.kind, member.role, body.region_code, scope)


class Month:
    """A month day by day; each ends with what a worker does, and with a look at the book."""

    def __init__(self, session: orm.Session, till: Till) -> None:
        """Begin on the day of the till."""
        self.session, self.till = session, till
        self.custody = session.scalars(sa.select(BankAccount).filter_by(purpose=AccountPurpose.CUSTODY)).one()

    @property
    def today(self) -> date:
        """Return the day in China."""
        return self.till.now.astimezone(CHINA_STANDARD_TIME).date()

    def on(self, day: int) -> None:
        """Let the days pass until a day of the month, each with its evening."""
        while self.today.day < day:
            self.evening()
            self.till.later(days=1)

    def evening(self) -> Reconciliation:
        """Do what is due at the provider; then nothing is unexplained, and debits equal credits."""
        self.till.work(sweep=True)
        self.till.release()
        tasks.follow_transfers(self.till.db, self.till.now)
        self.session.expire_all()
        found = self.reconciled()
        assert found.unexplained_fen == 0, (self.today, found.accounts)
        assert all(each.detail or each.reference for each in found.breaks)
        return found

    def reconciled(self) -> Reconciliation:
        """Return what is under way."""
        return reconcile(self.session, now=self.till.now)

    # What the sample's people do.

    def open_account(self, supplier: str) -> None:
        """Let a supplier have an account at the provider, which knows it at once."""
        manager = acting(self.session, f"{supplier}.manager", Permission.BANK_ACCOUNT_WRITE)
        connecting.connect(self.session, manager, now=self.till.now)
        self.till.work()
        account, _ = connecting.account_of(self.session, manager.organisation_id)
        self.till.emulator.activate(account.number)
        self.till.work(sweep=True)

    def buy(self, buyer: str, supplier: str, wanted: Mapping[str, int], *, card: str = CARD) -> Order:
        """Order products of a supplier, and pay by card."""
        clerk = acting(self.session, f"{buyer}.clerk", Permission.ORDER_PLACE)
        supplier_id = acting(self.session, f"{supplier}.clerk", Permission.ORDER_CONFIRM).organisation_id
        lines = [
            placing.WantedLine(product.id, str(quantity), product.unit, None)
            for name, quantity in wanted.items()
            for product in [self._product(supplier_id, name)]
        ]
        channel = CHANNEL_OF[buyer]
        number = f"{buyer}-{self.today}" if channel == "online" else None
        request = placing.Request(channel, number, 0 if number is None else 7, lines, FundsModel.STRIPE)
        until = self.till.now + timedelta(days=7)
        placed = placing.place(
            self.session, clerk, request=request, on=self.today, now=self.till.now, reserved_until=until
        )
        (order_id,) = placed.orders
        order = self.session.get_one(Order, order_id)
        self.till.pay(clerk, order, card=card)
        return order

    def _product(self, supplier_id: UUID, name: str) -> Product:
        return self.session.scalars(sa.select(Product).filter_by(supplier_id=supplier_id, name=name)).one()

    def deliver(self, *delivered: Order) -> None:
        """Confirm and ship."""
        for order in delivered:
            clerk = self._clerk(order, Permission.ORDER_CONFIRM)
            changing.confirm(self.session, clerk, order_id=order.id, now=self.till.now)
            changing.ship(
                self.session, clerk, order_id=order.id, quantities=None, shipped_on=self.today, now=self.till.now
            )

    def _clerk(self, order: Order, permission: Permission) -> Actor:
        return self._of(order.supplier_id, "clerk", permission)

    def _of(self, organisation_id: UUID, job: str, permission: Permission) -> Actor:
        wanted = sa.select(Member.login).where(
            Member.organisation_id == organisation_id, Member.login.endswith(f".{job}")
        )
        return acting(self.session, self.session.scalars(wanted).one(), permission)

    def accept(self, order: Order, *, damaged: int = 0, evidence: Mapping[str, str] | None = None) -> None:
        """Accept every line whole, but for what is damaged of the first."""
        found: list[acceptance.FoundLine] = []
        for line in orders.lines_of(self.session, [order.id]):
            whole, lost = line.shipped_milli // line.unit_milli, damaged if not found else 0
            kept, reason = str(whole - lost), "破损" if lost else None
            found.append(acceptance.FoundLine(line.id, str(whole), kept, "0", str(lost), "0", reason))
        papers = evidence or {"receipt": order.number, "platform_order": order.number}
        receiver = self._of(order.buyer_id, "receiver", Permission.ORDER_ACCEPT)
        report = acceptance.Report(found, papers, self.today)
        acceptance.accept(self.session, receiver, order_id=order.id, report=report, now=self.till.now)

    def give_back(self, order: Order, quantity: str) -> None:
        """Return some of an order's first line, spoiled."""
        line = orders.lines_of(self.session, [order.id])[0]
        claim = returns.Claim([returns.ComesBack(line.id, quantity, resaleable=False)], "复检不合格", self.today)
        receiver = self._of(order.buyer_id, "receiver", Permission.ORDER_RETURN)
        returns.take_back(self.session, receiver, order_id=order.id, claim=claim, now=self.till.now)

    def cancel(self, order: Order) -> None:
        """Give an order up, as its supplier."""
        clerk, event = self._clerk(order, Permission.ORDER_CANCEL), OrderEvent.CANCEL
        changing.give_up(self.session, clerk, order_id=order.id, event=event, reason="道路中断", now=self.till.now)

    def refund(self, order: Order) -> Refund:
        """Send back what is to go back, as its buyer asks and the platform decides."""
        clerk, wish = self._of(order.buyer_id, "clerk", Permission.REFUND_REQUEST), Wish(None, "未收货物")
        (refund,) = refunding.request(self.session, clerk, order_id=order.id, wish=wish, now=self.till.now)
        event = RefundEvent.APPROVE
        refunding.decide(self.session, self.till.colleague, refund_id=refund.id, event=event, now=self.till.now)
        return refund

    # What the platform does.

    def draft(self, supplier: str, model: FundsModel) -> Settlement:
        """Draft a settlement of what a supplier has earned."""
        supplier_id = acting(self.session, f"{supplier}.clerk", Permission.SETTLEMENT_READ).organisation_id
        return service.draft(self.session, self.till.clerk, supplier_id=supplier_id, model=model, now=self.till.now)

    def settle(self, supplier: str, model: FundsModel) -> Settlement:
        """Draft a settlement, approve it, and have it paid."""
        settlement = self.draft(supplier, model)
        event = SettlementEvent.APPROVE
        service.decide(self.session, self.till.colleague, settlement_id=settlement.id, event=event, now=self.till.now)
        self.instruct(settlement)
        return settlement

    def instruct(self, settlement: Settlement) -> None:
        """Have an approved settlement paid."""
        service.instruct(self.session, self.till.clerk, settlement_id=settlement.id, now=self.till.now)

    def tell(self, *moved: tuple[int, str]) -> None:
        """Let the bank of custody tell of movements: fen, and what the remark says."""
        movements = [
            Movement(fen, remark, f"TG{self.today:%Y%m%d}{place}", on=self.today)
            for place, (fen, remark) in enumerate(moved)
        ]
        matching.take_over(
            self.session,
            self.till.clerk,
            account_id=self.custody.id,
            content=export(*movements),
            profile=None,
            now=self.till.now,
        )

    def left(self, *settlements: Settlement) -> None:
        """Let the bank tell that settlements left, and take note of it."""
        self.tell(*((-each.amount_fen, each.number) for each in settlements))
        for each in settlements:
            service.confirm(self.session, self.till.clerk, settlement_id=each.id, now=self.till.now)

    def came_back(self, settlement: Settlement) -> None:
        """Let the bank bring a settlement back, and take note of it."""
        self.tell((settlement.amount_fen, f"退汇 {settlement.number}"))
        service.take_back(self.session, self.till.clerk, settlement_id=settlement.id, now=self.till.now)

    # What stands in the sample.

    def open_settlement(self, supplier: str) -> Settlement:
        """Return the settlement of a supplier that has not ended."""
        supplier_id = acting(self.session, f"{supplier}.clerk", Permission.SETTLEMENT_READ).organisation_id
        wanted = sa.select(Settlement).where(
            Settlement.supplier_id == supplier_id, Settlement.status.in_(("approved", "instructed"))
        )
        return self.session.scalars(wanted).one()

    def short_paid(self) -> tuple[Order, str]:
        """Return the order for which too little came into custody, and the code by which it is paid."""
        wanted = sa.select(Order).where(
            Order.funds_model == FundsModel.CUSTODIAN, Order.captured_fen == 0, Order.amount_fen > 0
        )
        order = self.session.scalars(wanted).one()
        return order, printed_code(identification_code(self.session.get_one(OrderGroup, order.group_id).number))


def trial_balance(session: orm.Session, on: date) -> tuple[int, int]:
    """Return what all accounts of the cash book have in debit and in credit at the end of a day, in fen."""
    found = ledger.balances(session, Book.CASH, on=on).values()
    return sum(each.debit_fen for each in found), sum(each.credit_fen for each in found)


_IN_THE_BOOK = sa.text(
    """
    SELECT c.owner_id AS settlement_id, d.owner_id AS supplier_id, sum(t.fen)
      FROM (SELECT debit_account_id AS of_id, credit_account_id AS to_id, amount_fen AS fen
              FROM ledger_transfers WHERE book = 'cash'
             UNION ALL
            SELECT credit_account_id, debit_account_id, -amount_fen FROM ledger_transfers WHERE book = 'cash') t
      JOIN ledger_accounts d ON d.id = t.of_id
       AND d.kind IN ('supplier_payable', 'supplier_receivable', 'supplier_reserve')
      JOIN ledger_accounts c ON c.id = t.to_id AND c.kind = 'settlement'
     GROUP BY 1, 2
    """
)


def statements_that_differ(session: orm.Session) -> list[str]:
    """Return the settlements whose statement says something else than moved on their supplier's accounts."""
    moved = {row.settlement_id: (row.supplier_id, int(row.sum)) for row in session.execute(_IN_THE_BOOK)}
    differing = []
    for settlement in session.scalars(sa.select(Settlement).order_by(Settlement.id)):
        stands = settlement.status in ("approved", "instructed", "confirmed")
        said_fen = statement(session, settlement).totals.amount_fen if stands else 0
        if moved.get(settlement.id, (settlement.supplier_id, 0)) != (settlement.supplier_id, said_fen):
            differing.append(settlement.number)
    return differing
