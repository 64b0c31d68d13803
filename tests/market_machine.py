"""The whole market as a machine of random steps, each compared with the model after it (Hypothesis)."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import count
from uuid import UUID

from hypothesis import HealthCheck, Phase, assume, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    run_state_machine_as_test,
)
from sqlalchemy import orm

from market.clock import business_date
from market.orders import changing
from market.orders.rules import OrderEvent
from tests.market_annulling import Annulling
from tests.market_book import Happened
from tests.market_deeds import (
    ANY,
    AT_ONCE,
    GOING_ON,
    HOURS,
    TROUBLE,
    WANTS,
    WHOLE,
    Parts,
    Wants,
    of,
    part_of,
    step,
)
from tests.market_model import (
    OPEN,
    Order,
    hold,
)
from tests.market_world import LAST_DAY, World


class Market(Annulling):
    """Two cooperatives, two buyers and their county, who do whatever comes to their minds."""

    @initialize(chance=st.integers(0, 2**32))
    def begin(self, chance: int) -> None:
        """Leave out the example that Hypothesis always tries first: the first step over and over."""
        assume(chance)

    # -- from an order to its acceptance ---------------------------------------------------------------------------

    @step(buyer=st.integers(0, 1), wanted=WANTS, hours=HOURS)
    def place(self, buyer: int, wanted: Wants, hours: int) -> None:
        self.wait(hours)
        self.try_to_place(buyer, self.wants(wanted))

    @precondition(lambda self: self.orders(*GOING_ON))
    @step(number=ANY, parts=TROUBLE, wrongly=st.booleans())
    def go_on(self, number: int, parts: Parts | None, wrongly: bool) -> None:  # noqa: FBT001 - drawn by name
        """Let happen to an order what comes next, perhaps after what must not."""
        order = of(self.orders(*GOING_ON), number)
        if wrongly:
            self.next("take_a_wrong_step")
            self.mistake(order)
        self.advance(order, number, parts)

    def advance(self, order: Order, number: int, parts: Parts | None) -> None:
        """Confirm, ship or accept an order: whole, or in parts."""
        match order.status:
            case "placed":
                self.next("confirm")
                self.confirm_order(order)
            case "confirmed":
                self.next("ship")
                self.ship(order, [part for part, _ in parts] if parts else None)
            case _:
                self.next("accept")
                self.accept(order, number if parts else 0, parts or [(WHOLE, 0)] * 3, self.ago(number % 4))

    def confirm_order(self, order: Order) -> None:
        self.do(lambda session: changing.confirm(session, self.clerk(order), order_id=UUID(order.id), now=self.now))
        order.status = "confirmed"

    @precondition(lambda self: self.orders(*OPEN))
    @step(number=ANY, how=st.sampled_from(["decline", "cancel", "expire"]))
    def stop(self, number: int, how: str) -> None:
        """Let an order be declined, cancelled by either party, or (with every other that is due) expire."""
        order = of(self.orders(*OPEN), number)
        self.taken = how if order.status == "placed" else "cancel"
        if self.taken == "expire":
            self.expire(order, number)
        elif self.taken == "decline":
            self.do(self.giving_up(order, OrderEvent.DECLINE, self.clerk(order)))
            self.model.release(order, "declined")
        else:
            actor = self.clerk(order) if number % 2 else self.world.buyers[order.buyer].orderer
            self.do(self.giving_up(order, OrderEvent.CANCEL, actor))
            self.model.release(order, "cancelled")

    def expire(self, order: Order, number: int) -> None:
        """Wait until its reservation has run out, or not quite."""
        if business_date(order.reserved_until) <= LAST_DAY:
            self.now = max(self.now, order.reserved_until + timedelta(seconds=number % 2))
        due = [each for each in self.orders("placed") if each.reserved_until < self.now]
        expired = self.do(self.expiring)
        hold(expired == len(due), expired, "orders expired instead of", len(due))
        for each in due:
            self.model.release(each, "expired")

    def expiring(self, session: orm.Session) -> int:
        due = changing.due_orders(session, now=self.now)
        return sum(changing.expire(session, order_id=order_id, now=self.now) for order_id in due)

    def ship(self, order: Order, parts: Sequence[int] | None) -> None:
        """Ship an order whole, or part of each line; something is shipped."""
        if parts is None:
            self.ship_order(order, None)
            return
        shipped = {line.id: line.milli * part // WHOLE for line, part in zip(order.lines, parts, strict=False)}
        shipped[order.lines[0].id] = max(shipped[order.lines[0].id], 1)
        self.ship_order(order, shipped)

    def ship_order(self, order: Order, shipped: dict[str, int] | None) -> None:
        parts = None if shipped is None else [(self.model.lines[key], milli) for key, milli in shipped.items()]
        self.do(self.shipping(order, parts))
        self.model.ship(order, shipped or {line.id: line.milli for line in order.lines}, self.today)

    def accept(self, order: Order, skipped: int, parts: Parts, on: date) -> None:
        """Accept some lines whole or in part, of which the rest was rejected, damaged or short."""
        lines = [line for bit, line in enumerate(order.acceptable) if not skipped >> bit & 1] or order.acceptable
        found = {
            line.id: (accepted := line.shipped * good // WHOLE, (line.shipped - accepted) * rejected // WHOLE)
            for line, (good, rejected) in zip(lines, parts, strict=False)
        }
        self.accept_lines(order, found, max(on, order.shipped_on or on))

    def accept_lines(self, order: Order, found: dict[str, tuple[int, int]], on: date) -> None:
        judged = [self.found(self.model.lines[key], *parts) for key, parts in found.items()]
        self.do(self.accepting(order, judged, on))
        for line_id, (accepted, rejected) in found.items():
            self.model.judge(self.model.lines[line_id], accepted, rejected, on)
        self.model.accept(order, on)
        self.happened = Happened(accepted=dict.fromkeys(found, on))

    @step(buyer=st.integers(0, 1), wanted=WANTS, hours=HOURS, number=ANY, parts=TROUBLE, permille=AT_ONCE)
    def sell(self, *, buyer: int, wanted: Wants, hours: int, number: int, parts: Parts | None, permille: int) -> None:
        """From an order to its acceptance, with troubles or without; some are paid at once."""
        self.wait(hours)
        self.taken = "place"
        for order in self.try_to_place(buyer, self.wants(wanted)):
            for _ in ("confirm", "ship", "accept"):
                self.advance(order, number, parts)
            if permille and order.payable:
                self.next("pay")
                self.record(order.supplier, [(order, part_of(order.payable, permille))], self.today)


EXAMPLE = 50
"""Steps from the opening of a market to its end."""


def play(
    world: World,
    *,
    steps: int,
    chance: int,
    phases: Collection[Phase] = (Phase.generate, Phase.shrink),
    audited: bool = True,
) -> Counter[str]:
    """Play markets until so many steps have held, each audited at its end; return how often each was taken.

    A run is asked for one example, because Hypothesis would spend most others on small changes of it.
    """
    fired: Counter[str] = Counter()
    chosen = settings(
        max_examples=1,
        stateful_step_count=EXAMPLE + 1,
        phases=phases,
        deadline=None,
        database=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    for number in count(chance):
        market = seed(number)(partial(Market, world, fired, audited=audited))
        run_state_machine_as_test(market, settings=chosen)  # type: ignore[arg-type]
        world.sweep()
        if fired.total() >= steps:
            return fired
    raise AssertionError("unreachable")
