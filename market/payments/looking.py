"""Looking: when what the provider was asked for, and does not show, was not made and may be asked for anew."""

from datetime import datetime, timedelta
from typing import NamedTuple

from market.payments.rules import Operation

SENDS_MONEY = frozenset({Operation.REFUND, Operation.TRANSFER, Operation.PAYOUT})
"""What would send money out again if it were asked twice; a transfer is reversed once, whoever asks again."""

LOOKS = 2
"""How often, a minute apart at least, what an operation may have made must not be found until it was not made."""
PATIENCE = timedelta(hours=24)
"""How long Stripe may take to finish, undo or list what a failure left half done; asking again would only give that."""


class Sought(NamedTuple):
    """What is known of an operation whose outcome is not: when it was asked last under its key, and the looks since.

    `whole_at` is when the last look at everything that moved began which missed nothing.
    """

    asked_at: datetime
    looks: int
    whole_at: datetime | None


def was_not_made(operation: Operation, sought: Sought, *, now: datetime) -> bool:
    """Tell whether what was not found does not exist, so that it may be asked for under a new key.

    Lists may lag: of money that went out, neither they nor its movements must show anything a day after it was asked.
    """
    if sought.looks < LOOKS:
        return False
    if operation not in SENDS_MONEY:
        return True
    since = sought.asked_at + PATIENCE
    return since <= now and sought.whole_at is not None and since <= sought.whole_at <= now
