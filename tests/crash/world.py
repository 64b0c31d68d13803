"""A small market to crash: two suppliers with plenty of stock, their buyers, and an account in custody."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import orm

from market.benefits.rules import Mechanism
from market.identity.models import Member
from market.identity.rules import Actor, Role
from tests import factories
from tests.payments.desk import in_custody
from tests.story import Story, open_channels

LOTS_MILLI = (300_000, 300_000, 10**9)
"""The first ones run out on the way, so that orders draw on two."""
OWED_FEN_PER_KG = 50
"""To each of two households that gave to a lot."""


@dataclass(frozen=True)
class Stall:
    """A product, the account that its buyers pay into, and the tokens of those who ask for something, by role."""

    product: str
    custody: str
    tokens: dict[str, str]


def build(session: orm.Session) -> Sequence[Stall]:
    """Write the market into an empty database."""
    open_channels(session)
    custody = in_custody(session)
    return [_stall(session, custody.clerk, str(custody.account.id), price_fen=fen) for fen in (997, 313)]


def _stall(session: orm.Session, custodian: Actor, custody: str, *, price_fen: int) -> Stall:
    payees = [factories.household(session).id for _ in range(3)]
    dividends = (Mechanism.SHARE_DIVIDEND, 1_000, [(payee, 3 - place) for place, payee in enumerate(payees)])
    story = Story(session, pools=[dividends], tax_bp=900, price_fen=price_fen)
    givers = [story.household().id for _ in range(2)]
    for milli in LOTS_MILLI:
        story.lot(milli, dict.fromkeys(givers, milli // 1_000 * OWED_FEN_PER_KG))
    manager = factories.actor(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))
    acting = {
        "orderer": story.orderer,
        "clerk": story.clerk,
        "manager": manager,
        "receiver": story.receiver,
        "custodian": custodian,
    }
    tokens = {name: factories.token(session, session.get_one(Member, who.member_id)) for name, who in acting.items()}
    return Stall(str(story.product.id), custody, tokens)
