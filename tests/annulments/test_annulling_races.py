"""Who annuls a contribution while it is sold, moved on, returned or paid for does it before or after, never both."""

from collections.abc import Callable
from uuid import UUID

import pytest
from sqlalchemy import orm

from market.annulments import deciding
from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.db import Database
from market.errors import MarketError
from market.identity.rules import Actor
from market.lots.models import Lot
from market.orders.models import Order
from tests.annulments.annulling_contributions import LATER, officer, proposed
from tests.attribution.test_moving_on import move_on
from tests.racing import Act, crossings
from tests.story import NOON, TODAY, Story, open_channels

Deed = Callable[[Story, "Scene"], object]


class Scene:
    """A lot of two households, of whom one is invented; an order shipped, one paid for, and an annulment proposed."""

    def __init__(self, story: Story) -> None:
        session = story.session
        real, invented = story.household(), story.household()
        lot, (_, false) = story.lot(40_000, {real.id: 10_000, invented.id: 10_000})
        shipped, sold = story.place("10"), story.sell("10")
        story.deliver(shipped)
        story.pay(sold, 10_000)
        self.invented_id, self.false_id, self.lot_id = invented.id, false.id, lot.id
        self.shipped_id, self.sold_id = shipped.id, sold.id
        self.annulment_id = proposed(session, false.id).id
        self.officer: Actor = officer(session)


DEEDS: dict[str, Deed] = {
    "accepted": lambda here, scene: here.accept(here.session.get_one(Order, scene.shipped_id)),
    "returned": lambda here, scene: here.give_back(here.session.get_one(Order, scene.sold_id), "4"),
    "moved on": lambda here, scene: move_on(here, here.session.get_one(Lot, scene.lot_id), 10_000),
    "stated again": lambda here, scene: proposed(here.session, scene.false_id),
    "paid for": lambda here, scene: here.disburse(
        {scene.invented_id: 2_000}, contributions={scene.invented_id: scene.false_id}
    ),
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("annulled_first", [True, False])
def test_what_is_annulled_while_it_is_dealt_with_can_be_verified(
    committed_db: Database, deed: str, *, annulled_first: bool
) -> None:
    db = committed_db
    with db.transaction() as session:
        open_channels(session)
        story = Story(session)

    def told(act: Callable[[Story], object]) -> Act:
        def run() -> object:
            with db.transaction() as session:
                act(story.elsewhere(session))
            return None

        return run

    def begin() -> tuple[Act, Act]:
        with db.transaction() as session:
            scene = Scene(story.elsewhere(session))
        annul = told(lambda here: annulled(here.session, scene))
        other = told(lambda here: DEEDS[deed](here, scene))
        return (annul, other) if annulled_first else (other, annul)

    def annulled(session: orm.Session, scene: Scene) -> UUID:
        now = NOON + (LATER - TODAY)
        return deciding.approve(
            session, scene.officer, annulment_id=scene.annulment_id, opinion="属实", on=LATER, now=now
        ).id

    for crossed in crossings(db, begin, least=1):
        refused = [each for each in crossed if isinstance(each, MarketError)]
        assert not refused or deed in {"paid for", "stated again"}, refused
    with db.transaction() as session:
        assert verify(session).findings == ()
        assert examine(session) == []
