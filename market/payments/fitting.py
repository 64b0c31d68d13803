"""Which lines of bank statements pay which orders: exactly, or a person decides."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from market.banking.rules import Waiting


class OpenLine(NamedTuple):
    """Money that came in, in fen, and the order groups that its remark names."""

    id: UUID
    fen: int
    groups: Sequence[str]


class Payable(NamedTuple):
    """What an order can still be paid, in fen, and the group of which it is a part."""

    order_id: UUID
    group: str
    fen: int


class Part(NamedTuple):
    """What of a line pays an order, in fen."""

    line_id: UUID
    order_id: UUID
    fen: int


class Matched(NamedTuple):
    """What pays what, and why each of the other lines waits."""

    parts: Sequence[Part]
    waiting: Mapping[UUID, Waiting]


def match(lines: Sequence[OpenLine], payable: Sequence[Payable]) -> Matched:
    """Match lines to the orders of the groups that they name, many to many, where the sums are equal to the fen.

    Lines that name a group together pay it together, and a line that names several pays all of them. Where the sums
    differ nothing is guessed: all lines that hang together wait.
    """
    orders: dict[str, list[Payable]] = defaultdict(list)
    for order in payable:
        orders[order.group].append(order)
    parts: list[Part] = []
    waiting: dict[UUID, Waiting] = {}
    for together, groups in _hanging_together(lines, orders):
        owed = [order for group in groups for order in orders[group] if order.fen]
        paid_fen, owed_fen = sum(line.fen for line in together), sum(order.fen for order in owed)
        if paid_fen == owed_fen:
            parts += _spread(together, owed)
        else:
            why = Waiting.NOTHING_OWED if not owed else Waiting.TOO_LITTLE if paid_fen < owed_fen else Waiting.TOO_MUCH
            waiting |= {line.id: why for line in together}
    for line in lines:
        if not any(group in orders for group in line.groups):
            waiting[line.id] = Waiting.UNKNOWN_CODE if line.groups else Waiting.NO_CODE
    return Matched(parts, waiting)


def _hanging_together(
    lines: Sequence[OpenLine], orders: Mapping[str, Sequence[Payable]]
) -> Iterator[tuple[list[OpenLine], list[str]]]:
    """Yield the lines that name a group in common, directly or by way of others, with all groups that they name."""
    naming: dict[str, list[OpenLine]] = defaultdict(list)
    for line in lines:
        for group in line.groups:
            if group in orders:
                naming[group].append(line)
    seen: set[UUID] = set()
    for line in lines:
        if line.id in seen or not any(group in orders for group in line.groups):
            continue
        together, groups = [line], dict[str, None]()
        seen.add(line.id)
        for reached in together:  # grows while it is walked
            for group in reached.groups:
                if group in orders and group not in groups:
                    groups[group] = None
                    joined = [other for other in naming[group] if other.id not in seen]
                    seen.update(other.id for other in joined)
                    together += joined
        yield together, list(groups)


def _spread(lines: Sequence[OpenLine], owed: Sequence[Payable]) -> Iterator[Part]:
    """Fill one order after the other; the sums are equal, so that the last fen of a line ends with an order's."""
    orders = iter(owed)
    order, wanted_fen = None, 0
    for line in lines:
        left_fen = line.fen
        while left_fen:
            if not wanted_fen:
                order = next(orders)
                wanted_fen = order.fen
            part_fen = min(left_fen, wanted_fen)
            left_fen -= part_fen
            wanted_fen -= part_fen
            assert order  # noqa: S101 - there is one as long as anything is left
            yield Part(line.id, order.order_id, part_fen)
