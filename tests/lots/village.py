"""A cooperative and its village, as the tests of lots use them."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy import orm

from market.benefits.rules import Mechanism
from market.catalog.models import Product
from market.identity.rules import Actor, Role
from market.lots import contributing, opening, queries, registering
from market.lots.models import Contribution, Lot
from market.lots.pricing import NewContribution
from market.quantities import MeasuredIn
from tests import factories

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
TODAY = date(2026, 3, 2)


class Village:
    """A cooperative with a product, a clerk, a manager and enrolled households."""

    def __init__(self, session: orm.Session, *, households: int = 3, **of_product: Any) -> None:
        self.session = session
        self.supplier = factories.organisation(session)
        self.product: Product = factories.product(session, self.supplier, **of_product)
        self.clerk = self.actor(Role.SUPPLIER_CLERK)
        self.manager = self.actor(Role.SUPPLIER_MANAGER)
        self.households = [self.household() for _ in range(households)]

    def actor(self, role: Role) -> Actor:
        return factories.actor(self.session, factories.member(self.session, self.supplier, role))

    def household(self) -> UUID:
        row = factories.household(self.session)
        factories.enrolment(self.session, self.supplier, row)
        return row.id

    def draft(self, quantity_milli: int, **facts: Any) -> Lot:
        values = {
            "product_id": self.product.id,
            "measured_in": MeasuredIn.KG,
            "produced_on": TODAY,
            "expires_on": None,
            "origin_code": "141122106",
            "now": NOW,
            **facts,
        }
        return registering.register_lot(self.session, self.clerk, quantity_milli=quantity_milli, **values)

    def gives(self, household: UUID, milli: int, price_fen: int = 600) -> NewContribution:
        slip = f"收购单-{factories.number()}"
        return NewContribution(household, Mechanism.ORDER_PURCHASE, milli, MeasuredIn.KG, price_fen, TODAY, slip)

    def works(self, household: UUID, milli_hours: int) -> NewContribution:
        return NewContribution(household, Mechanism.LABOUR, milli_hours, MeasuredIn.HOUR, 1_500, TODAY, "工时单-1")

    def consigns(self, household: UUID, milli: int) -> NewContribution:
        return NewContribution(
            household, Mechanism.CONSIGNMENT, milli, MeasuredIn.KG, None, TODAY, f"代销单-{factories.number()}"
        )

    def kept(self, lot: Lot) -> list[queries.ContributionRow]:
        """What is on record of a lot's contributions, by id."""
        rows = self.session.scalars(sa.select(Contribution).where(Contribution.lot_id == lot.id))
        names = queries.ContributionRow._fields
        return sorted(queries.ContributionRow(*(getattr(row, name) for name in names)) for row in rows)

    def record(self, lot: Lot, *contributions: NewContribution) -> list[queries.ContributionRow]:
        return contributing.record_contributions(
            self.session, self.clerk, lot_id=lot.id, contributions=contributions, now=NOW
        )

    def brought(self, quantity_milli: int) -> list[NewContribution]:
        """What makes up a quantity when every household brings its part; the first one brings what does not divide."""
        part, rest = divmod(quantity_milli, len(self.households))
        first, *others = self.households
        return [self.gives(first, part + rest), *(self.gives(household, part) for household in others)]

    def opened(self, quantity_milli: int, **facts: Any) -> Lot:
        lot = self.draft(quantity_milli, **facts)
        self.record(lot, *self.brought(quantity_milli))
        return opening.open_lot(self.session, self.manager, lot_id=lot.id, now=NOW)
