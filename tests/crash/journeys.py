"""Which deeds there are, and in which order they lead an order through the market."""

from collections.abc import Sequence
from typing import NamedTuple

from market.channels.rules import FundsModel
from tests.crash.asking import Deed
from tests.crash.deeds import (
    ACCEPT,
    APPROVE,
    ASK_BACK,
    CANCEL,
    CONFIRM,
    PAY_BACK,
    PLACE,
    RECEIVE,
    SHIP,
    TAKE_BACK,
    TELL,
)
from tests.crash.online import APPROVE_ONLINE, BEGIN, CAPTURED, OPENED, PAY, PAY_HERE, SENT_BACK
from tests.crash.settling import AGREE, DRAFT, INSTRUCT, LEAVE, SETTLE, TRANSFERRED

WITH_ORDERS = (PLACE, CONFIRM, CANCEL, SHIP, ACCEPT, RECEIVE, TAKE_BACK, TELL, ASK_BACK, APPROVE, PAY_BACK)
ONLINE = (BEGIN, OPENED, PAY, PAY_HERE, CAPTURED, SENT_BACK)
SETTLING = (DRAFT, AGREE, INSTRUCT, LEAVE, SETTLE, TRANSFERRED)
DEEDS = (*WITH_ORDERS, *ONLINE, *SETTLING)

PAYING = (RECEIVE, TELL, PAY, PAY_HERE)
"""Whose fen together are what the orders say that their buyers paid."""


class Journey(NamedTuple):
    """How an order is led."""

    funds_model: FundsModel
    deeds: Sequence[Deed]

    @property
    def settles(self) -> bool:
        """Tell whether a supplier is paid, who has one settlement at a time."""
        return DRAFT in self.deeds


DIRECT, CUSTODIAN, STRIPE = FundsModel
JOURNEYS: Sequence[Journey] = (
    Journey(DIRECT, (PLACE, CONFIRM, SHIP, ACCEPT, RECEIVE, TAKE_BACK, ASK_BACK, APPROVE, PAY_BACK)),
    Journey(DIRECT, (PLACE, CONFIRM, SHIP, ACCEPT, RECEIVE)),
    Journey(CUSTODIAN, (PLACE, TELL, CONFIRM, SHIP, ACCEPT)),
    Journey(CUSTODIAN, (PLACE, CONFIRM, TELL, SHIP, ACCEPT, TAKE_BACK)),
    Journey(DIRECT, (PLACE, CANCEL)),
    Journey(
        STRIPE,
        (
            *(PLACE, BEGIN, OPENED, PAY, CAPTURED, CONFIRM, SHIP, ACCEPT),
            *(TAKE_BACK, ASK_BACK, APPROVE_ONLINE, SENT_BACK),
        ),
    ),
    Journey(STRIPE, (PLACE, BEGIN, OPENED, PAY_HERE, CAPTURED, CANCEL, ASK_BACK, APPROVE_ONLINE, SENT_BACK)),
    Journey(STRIPE, (PLACE, CONFIRM, BEGIN, OPENED, PAY_HERE, CAPTURED, SHIP, ACCEPT)),
    Journey(
        STRIPE,
        (PLACE, BEGIN, OPENED, PAY, CAPTURED, CONFIRM, SHIP, ACCEPT, DRAFT, AGREE, INSTRUCT, TRANSFERRED),
    ),
    Journey(CUSTODIAN, (PLACE, TELL, CONFIRM, SHIP, ACCEPT, DRAFT, AGREE, INSTRUCT, LEAVE, SETTLE)),
)
