"""`market doctor`: every invariant asked of the database, one statement each; what is broken is named."""

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.annulment_invariants import ANNULMENTS
from market.audit.book_invariants import BOOK
from market.audit.cash_invariants import CASH
from market.audit.confirmation_invariants import CONFIRMATIONS
from market.audit.contribution_invariants import CONTRIBUTIONS
from market.audit.four_eyes_invariants import FOUR_EYES
from market.audit.guard_invariants import GUARDING_INVARIANTS
from market.audit.invoice_invariants import INVOICES
from market.audit.market_invariants import MARKET
from market.audit.register_invariants import REGISTER
from market.audit.rollup_invariants import ROLLUPS
from market.audit.rules import Invariant, Symptom
from market.audit.second_person_invariants import SECOND_PERSON
from market.audit.sharing_invariants import SHARING
from market.audit.way_invariants import WAY
from market.db import read_whole

INVARIANTS: tuple[Invariant, ...] = (
    *BOOK,
    *ROLLUPS,
    *SHARING,
    *ANNULMENTS,
    *CONFIRMATIONS,
    *INVOICES,
    *MARKET,
    *CONTRIBUTIONS,
    *CASH,
    *WAY,
    *REGISTER,
    *FOUR_EYES,
    *SECOND_PERSON,
    *GUARDING_INVARIANTS,
)

MOST_SYMPTOMS = 20
"""Of one invariant; when all is broken, the first ones say so."""


def examine(session: orm.Session) -> list[Symptom]:
    """Return what breaks an invariant, in the order of the invariants; an empty list means good health."""
    read_whole(session)
    return [symptom for invariant in INVARIANTS for symptom in _examine(session, invariant)]


def _examine(session: orm.Session, invariant: Invariant) -> list[Symptom]:
    query = f"SELECT * FROM ({invariant.query}) AS broken LIMIT {MOST_SYMPTOMS}"  # noqa: S608 - of this package alone
    rows = session.execute(sa.text(query))
    return [Symptom(invariant.name, invariant.en, invariant.zh, *map(str, row)) for row in rows]
