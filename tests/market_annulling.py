"""Contributions that never were, in the random market: what becomes of a line of which something falls with one."""

from uuid import UUID

from hypothesis.stateful import precondition
from sqlalchemy import orm

from market.annulments import deciding
from market.lots.rules import ContributionAnnulledError
from tests.market_book import Happened
from tests.market_deeds import ANY, Act, of, step
from tests.market_money import Money

MOST = 3
"""Of so many contributions, or soon nobody would be owed anything."""


class Annulling(Money):
    """People who find out what never was."""

    def standing(self) -> list[str]:
        return [contribution for contribution in self.model.owed_by_lot if contribution not in self.model.annulled]

    @precondition(lambda self: self.model.orders and len(self.model.annulled) < MOST)
    @step(number=ANY)
    def annul(self, number: int) -> None:
        """Annul a contribution, whatever has become of it; it is annulled once."""
        contribution = of(self.standing(), number)
        self.do(self.annulling(contribution))
        self.refused(ContributionAnnulledError, self.annulling(contribution))
        self.model.annulled.add(contribution)
        self.happened = Happened(annulled=contribution)

    def annulling(self, contribution: str) -> Act:
        maker, checker = self.world.officers
        subject = deciding.Subject(contribution_id=UUID(contribution))

        def act(session: orm.Session) -> object:
            made, _ = deciding.propose(
                session, maker, subject=subject, reason="未交售", evidence="审计报告", now=self.now
            )
            return deciding.approve(session, checker, annulment_id=made.id, opinion="属实", on=self.today, now=self.now)

        return act
