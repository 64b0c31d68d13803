"""What nobody may do in the random market: each is refused for its own reason, and changes nothing."""

from datetime import date
from uuid import UUID, uuid4

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
)

from market.attribution.paying import (
    AlreadyConfirmedError,
    ForeignContributionError,
    PayeeWithoutTieError,
    PaymentReferenceTakenError,
)
from market.errors import TransitionError
from market.ledger.rules import PeriodOrderError
from market.lots.rules import ContributionAnnulledError, OutOfStockError
from market.orders import changing
from market.orders.rules import (
    LineNotOfOrderError,
    OrderEvent,
    OutcomeError,
    PriceCutTooMuchError,
    ReturnTooMuchError,
    ShippedTooMuchError,
)
from market.payments.rules import NotPayableError, OverpaidError, ReceiptTakenError
from tests.market_deeds import (
    ANY,
    UNLAWFUL,
    Act,
    Deeds,
    of,
    step,
)
from tests.market_model import (
    ACCEPTING,
    GIVEN_UP,
    OPEN,
    Order,
    Payment,
    hold,
)
from tests.market_world import FIRST_DAY


class Mischief(Deeds):
    """People who try what they must not."""

    @precondition(lambda self: self.model.orders)
    @step(number=ANY, more=st.integers(1, 5_000), what=st.sampled_from(UNLAWFUL))
    def be_refused(self, number: int, more: int, what: str) -> None:
        """Do what nobody may do."""
        self.taken = what
        getattr(self, what)(number, more)

    @precondition(lambda self: self.model.orders)
    @step(number=ANY, status=st.integers(0, 7))
    def take_a_wrong_step(self, number: int, status: int) -> None:
        statuses = sorted({order.status for order in self.model.orders.values()})
        self.mistake(of(self.orders(of(statuses, status)), number))

    def mistake(self, order: Order) -> None:
        """Try with an order every event that its status does not allow."""
        lawful = {
            OrderEvent.CONFIRM: ("placed",),
            OrderEvent.DECLINE: ("placed",),
            OrderEvent.EXPIRE: ("placed",),
            OrderEvent.CANCEL: OPEN,
            OrderEvent.SHIP: ("confirmed",),
            OrderEvent.ACCEPT_SOME: ACCEPTING,
            OrderEvent.ACCEPT_ALL: ACCEPTING,
            OrderEvent.RETURN: ("partly_accepted", "accepted"),
        }
        for event, allowing in lawful.items():
            if order.status not in allowing:
                self.refused(TransitionError, self.event(order, event))

    def event(self, order: Order, event: OrderEvent) -> Act:
        match event:
            case OrderEvent.CONFIRM:
                return lambda session: changing.confirm(
                    session, self.clerk(order), order_id=UUID(order.id), now=self.now
                )
            case OrderEvent.SHIP:
                return self.shipping(order, None)
            case OrderEvent.ACCEPT_SOME:
                return self.accepting(order, [self.found(order.lines[0], order.lines[0].shipped, 0)])
            case OrderEvent.ACCEPT_ALL:
                return self.accepting(order, [self.found(line, line.shipped, 0) for line in order.lines])
            case OrderEvent.RETURN:
                return self.returning(order, [(line, 1, True) for line in order.lines])
            case _:
                return self.giving_up(order, event, self.clerk(order))

    def name_a_foreign_line(self, number: int, _: int) -> None:
        """Deal with a line of another order, or judge one that was judged."""
        order = of(list(self.model.orders.values()), number)
        lines = [line for line in self.model.lines.values() if line.order is not order]
        if order.status in ACCEPTING:
            lines += [line for line in order.lines if line.judged]
        if not lines:
            return
        foreign = of(lines, number)
        match order.status:
            case "confirmed":
                self.refused(LineNotOfOrderError, self.shipping(order, [(foreign, 1)]))
            case "shipped" | "partly_accepted":
                found = self.found(foreign, foreign.shipped, 0)
                self.refused(LineNotOfOrderError, self.accepting(order, [found]))
            case "accepted":
                self.refused(LineNotOfOrderError, self.returning(order, [(foreign, 1, True)]))
            case _:
                self.refused(TransitionError, self.accepting(order, []))

    def ask_too_much(self, number: int, more: int) -> None:
        """Ship, accept, return, cut or write off more than there is."""
        order = of(list(self.model.orders.values()), number)
        line = of(order.lines, number)
        lot = of(list(self.model.lots.values()), number)
        self.refused(OutOfStockError, self.writing_off(lot, lot.places["available"] + more))
        match order.status:
            case "confirmed":
                self.refused(ShippedTooMuchError, self.shipping(order, [(line, line.milli + more)]))
            case "shipped":
                line = of(order.acceptable, number)
                _, text = self.quantity(line, line.shipped + more)
                found = self.found(line, line.shipped, 0)._replace(received=text, accepted=text)
                self.refused(OutcomeError, self.accepting(order, [found]))
            case "partly_accepted" | "accepted":
                self.refused(ReturnTooMuchError, self.returning(order, [(line, line.left + more, True)]))
                self.refused(PriceCutTooMuchError, self.offering(line, line.due + more - 1, self.today))
            case _:
                return

    def overpay(self, number: int, more: int) -> None:
        order = of(list(self.model.orders.values()), number)
        parts = [(order, order.payable + more)]
        refusal = NotPayableError if order.status in GIVEN_UP else OverpaidError
        self.refused(refusal, self.receiving(order.supplier, parts, uuid4().hex, self.today))

    def use_a_reference_twice(self, number: int, _: int) -> None:
        """Use a bank line again, in or out, and confirm a payment again."""
        if self.model.receipts:
            supplier, reference, order = of(self.model.receipts, number)
            self.refused(ReceiptTakenError, self.receiving(supplier, [(order, 1)], reference, self.today))
        if self.model.payments:
            used = of(list(self.model.payments.values()), number)
            again = Payment("", used.supplier, used.payee, 1, None, used.reference)
            self.refused(PaymentReferenceTakenError, self.paying_out([again], self.today))
            if used.confirmed:
                self.refused(AlreadyConfirmedError, self.confirming([used]))

    def pay_a_stranger(self, number: int, _: int) -> None:
        """Pay one who has no tie with the second supplier, or for a contribution that the payee did not make."""
        first, second = self.world.suppliers
        stranger = next(payee for payee in first.payees if payee not in second.payees)
        to_stranger = Payment("", 1, stranger, 100, None, uuid4().hex)
        self.refused(PayeeWithoutTieError, self.paying_out([to_stranger], self.today))
        contribution, (lot, _fen) = of(list(self.model.owed_by_lot.items()), number)
        maker, _fen = lot.terms.contributions[contribution]
        other = next(payee for payee in second.payees if payee[1] != maker)
        misled = Payment("", lot.product.supplier, other, 100, contribution, uuid4().hex)
        self.refused(ForeignContributionError, self.paying_out([misled], self.today))
        for annulled in self.model.annulled:
            lot, _fen = self.model.owed_by_lot[annulled]
            payee = "household", lot.terms.contributions[annulled][0]
            never = Payment("", lot.product.supplier, payee, 100, annulled, uuid4().hex)
            self.refused(ContributionAnnulledError, self.paying_out([never], self.today))

    def order_beyond_stock(self, number: int, more: int) -> None:
        terms = of(self.world.products, number)
        left = sum(lot.places["available"] for lot in self.model.shelf(terms, self.today))
        hold(not self.try_to_place(number % 2, [(terms, (left // 100 + more) * 100)]), "more was placed than there is")

    def close_a_closed_month(self, _number: int, _more: int) -> None:
        """Close a month again."""
        if self.open_from > date.min:
            self.refused(PeriodOrderError, self.closing(FIRST_DAY))
