"""Money and goods that move after an acceptance: receipts, returns, losses, payments, months that close."""

from collections.abc import Sequence
from datetime import date
from uuid import uuid4

from hypothesis import strategies as st
from hypothesis.stateful import (
    precondition,
)

from market.errors import TransitionError
from market.orders.rules import PriceCutOpenError
from tests.market_book import Happened, check_settled
from tests.market_deeds import (
    ANY,
    DAYS_AGO,
    MAYBE_PART,
    PART,
    WHOLE,
    of,
    part_of,
    step,
)
from tests.market_mischief import Mischief
from tests.market_model import (
    Line,
    Lot,
    Order,
    Payment,
    hold,
)
from tests.market_world import FIRST_DAY, rows


class Money(Mischief):
    """People who pay, are paid, and send back."""

    # -- money in, goods back ---------------------------------------------------------------------------------------

    def payable(self) -> list[Order]:
        return [order for order in self.model.orders.values() if order.payable]

    @precondition(lambda self: self.payable())
    @step(number=ANY, permille=st.one_of(st.just(WHOLE), PART), also=st.booleans(), days=DAYS_AGO)
    def pay(self, number: int, permille: int, also: bool, days: int) -> None:  # noqa: FBT001 - drawn by name
        """Pay an order, before or after its goods; perhaps another one of the supplier by the same transfer."""
        first = of(self.payable(), number)
        paying = [order for order in self.payable() if order.supplier == first.supplier and order is not first]
        orders = [first, of(paying, number)] if also and paying else [first]
        on = self.ago(days, *(order.placed_on for order in orders))
        self.record(first.supplier, [(order, part_of(order.payable, permille)) for order in orders], on)

    def record(self, supplier: int, parts: Sequence[tuple[Order, int]], on: date) -> None:
        reference = uuid4().hex
        self.do(self.receiving(supplier, parts, reference, on))
        for order, fen in parts:
            order.paid += fen
        self.model.receipts.append((supplier, reference, parts[0][0]))

    def returnable(self, *, again: bool) -> list[Order]:
        """Return orders of which something can come back; those first and alone of which something has."""
        orders = [
            order for order in self.orders("partly_accepted", "accepted") if any(line.left for line in order.lines)
        ]
        begun = [order for order in orders if any(0 < line.left < line.accepted for line in order.lines)]
        return begun if again and begun else orders

    @precondition(lambda self: self.returnable(again=False))
    @step(
        number=ANY,
        parts=st.lists(st.tuples(MAYBE_PART, st.booleans()), min_size=3, max_size=3),
        how=st.sampled_from(["whole", "first", "again", "again"]),
        days=DAYS_AGO,
    )
    def give_back(self, number: int, parts: list[tuple[int, bool]], how: str, days: int) -> None:
        order = of(self.returnable(again=how == "again"), number)
        coming = [
            (line, line.left if how == "whole" else part_of(line.left, permille // 2), resaleable)
            for line, (permille, resaleable) in zip(order.lines, parts, strict=False)
            if line.left and (permille or how == "whole")
        ]
        if not coming:
            return
        on = self.ago(days, *(line.accepted_on for line, _, _ in coming))
        returned = self.do(self.returning(order, coming, on))
        fallen: dict[str, int] = {}
        for (line, milli, resaleable), (_, row) in zip(coming, returned.lines, strict=True):
            before = line.net(line.due)
            self.model.take_back(line, self.by_lot(str(row.id), milli), resaleable=resaleable)
            fallen[line.id] = before - line.net(line.due)
        self.happened = Happened(returned=fallen)

    def reducible(self) -> list[Line]:
        """Return the lines of which something can be cut of the price, and something left."""
        orders = self.orders("partly_accepted", "accepted")
        return [line for order in orders for line in order.lines if line.judged and line.due > 1]

    @precondition(lambda self: self.reducible())
    @step(number=ANY, permille=PART, days=DAYS_AGO)
    def cut_price(self, number: int, permille: int, days: int) -> None:
        line = of(self.reducible(), number)
        # Mostly a little: of what is nearly given away nothing more can be seen to fall.
        fen = part_of(line.due - 1, permille if number % 8 == 0 else permille // 4)
        on = self.ago(days, line.accepted_on)
        offered = self.do(self.offering(line, fen, on))
        self.refused(PriceCutOpenError, self.offering(line, fen, on))
        if number % 3 == 0:
            self.do(self.parting(line, offered, declined=number % 2 == 0))
            self.refused(TransitionError, self.agreeing(line, offered))
            return
        self.do(self.agreeing(line, offered))
        before = line.net(line.due)
        line.due -= fen
        self.happened = Happened(cut={line.id: before - line.net(line.due)})

    def by_lot(self, row_id: str, milli: int) -> dict[str, int]:
        """Read from which lots the returned goods were."""
        ((draws,),) = rows(self.connection, "SELECT draws FROM return_lines WHERE id = %(id)s", {"id": row_id})
        parts = {lot: after - before for lot, before, after, _ in draws}
        hold(sum(parts.values()) == milli, "of", milli, "returned,", parts, "came off lots")
        return parts

    def in_stock(self) -> list[Lot]:
        return [lot for lot in self.model.lots.values() if lot.places["available"]]

    @precondition(lambda self: self.in_stock() and self.spoilages < len(self.model.orders))
    @step(number=ANY, permille=PART)
    def spoil(self, number: int, permille: int) -> None:
        lot = of(self.in_stock(), number)
        # A little at a time, or soon nothing would be left to sell.
        milli = part_of(lot.places["available"], permille // 20 + 1)
        self.do(self.writing_off(lot, milli))
        lot.move("available", "spoiled", milli)
        self.spoilages += 1

    # -- money out --------------------------------------------------------------------------------------------------

    @step(
        supplier=st.integers(0, 1),
        number=ANY,
        how=st.sampled_from(["below", "at", "above", "contribution"]),
        fen=st.integers(1, 9_999),
        days=DAYS_AGO,
    )
    def disburse(self, supplier: int, number: int, how: str, fen: int, days: int) -> None:
        """Pay a payee below, at or above what it is owed, or for a contribution, whether or not it is owed anything."""
        body = self.world.suppliers[supplier]
        made = [
            (contribution, ("household", household))
            for product in self.world.products
            if product.supplier == supplier
            for lot in product.lots
            for contribution, (household, _) in lot.contributions.items()
            if contribution not in self.model.annulled
        ]
        contribution, payee = of(made, number) if how == "contribution" else (None, of(body.payees, number))
        owed = self.book.owed(body.id, payee, contribution, self.model)
        amount = {"below": max(owed * fen // 9_999, 1), "at": max(owed, 1), "above": owed + fen}.get(how, fen)
        payment = Payment("", supplier, payee, amount, contribution, uuid4().hex)
        self.pay_out([payment], self.ago(days))
        before = (owed, self.book.advance(body.id, payee))

        def check() -> None:
            after = self.book.owed(body.id, payee, contribution, self.model), self.book.advance(body.id, payee)
            check_settled(before, after, amount, payee=payee)

        self.settled = check

    def pay_out(self, batch: Sequence[Payment], on: date) -> None:
        _, made, _ = self.do(self.paying_out(batch, on))
        for payment, row in zip(batch, made, strict=True):
            payment.id = str(row.id)
            self.model.payments[payment.id] = payment

    @precondition(lambda self: any(order.paid and order.accepted_on for order in self.model.orders.values()))
    @step(supplier=st.integers(0, 1), days=DAYS_AGO)
    def disburse_to_all(self, supplier: int, days: int) -> None:
        """Pay everybody what is owed, in one batch, twice over to the first so that its second payment is ahead."""
        body = self.world.suppliers[supplier]
        owed = {payee: self.book.owed(body.id, payee, None, self.model) for payee in body.payees}
        batch = [Payment("", supplier, payee, fen, None, uuid4().hex) for payee, fen in owed.items() if fen]
        if not batch:
            return
        batch.append(Payment("", supplier, batch[0].payee, batch[0].fen, None, uuid4().hex))
        self.pay_out(batch, self.ago(days))

        def check() -> None:
            for payee in body.payees:
                left = self.book.owed(body.id, payee, None, self.model)
                hold(left == 0, "payee", payee, "was paid all and is still owed", left)

        self.settled = check

    def unconfirmed(self) -> list[Payment]:
        return [payment for payment in self.model.payments.values() if not payment.confirmed]

    @precondition(lambda self: self.unconfirmed())
    @step(number=ANY, count=st.integers(1, 5))
    def confirm_payments(self, number: int, count: int) -> None:
        waiting = self.unconfirmed()
        start = number % len(waiting)
        chosen = waiting[start : start + count]
        self.do(self.confirming(chosen))
        for payment in chosen:
            payment.confirmed = True

    @precondition(lambda self: self.open_from < self.today.replace(day=1) and self.today.month > FIRST_DAY.month)
    @step()
    def close_the_month(self) -> None:
        """Close the month that is over, for ever."""
        self.do(self.closing(FIRST_DAY))
        self.open_from = self.today.replace(day=1)
