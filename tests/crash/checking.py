"""Whether what was acknowledged is in the database, once and to the fen, and whether the books are sound."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import sqlalchemy as sa
from sqlalchemy import orm

from market.audit.doctoring import examine
from market.audit.verifying import verify
from market.db import without_hurry
from market.ledger import queries as ledger
from market.ledger.rules import Book
from market.orders.models import Order
from tests.crash.asking import Effect, today
from tests.crash.journeys import DEEDS, PAYING


@dataclass
class Compared:
    """What the database has of what was acknowledged: `lost`, `twice` and `drifted` by deed, the last in fen."""

    lost: Counter[str] = field(default_factory=Counter)
    twice: Counter[str] = field(default_factory=Counter)
    drifted: Counter[str] = field(default_factory=Counter)

    @property
    def sound(self) -> bool:
        return not (self.lost or self.twice or self.drifted)


def compare(
    session: orm.Session,
    told: Mapping[str, Sequence[Effect]],
    unanswered: Mapping[str, int],
    *,
    at_rest: bool = True,
) -> Compared:
    """Compare what was told of each deed with what is found; who has no answer yet may have had an effect or not.

    Of what the provider has done, a market that is not at rest may know or not.
    """
    compared = Compared()
    for deed in DEEDS:
        if deed.at_provider and not at_rest:
            continue
        expected = _by_subject(told.get(deed.name, ()))
        found = _by_subject(Effect(str(subject), fen) for subject, fen in session.execute(sa.text(deed.found)))
        lost = surplus = drifted = 0
        for subject in expected.keys() | found.keys():
            wanted, there = sorted(expected.get(subject, [])), sorted(found.get(subject, []))
            lost += max(len(wanted) - len(there), 0)
            surplus += max(len(there) - (max(len(wanted), 1) if deed.until else len(wanted)), 0)
            if len(wanted) == len(there):
                drifted += sum(abs(one - other) for one, other in zip(wanted, there, strict=True))
        # Only what there is, so that a sound market compares as empty.
        compared.lost += Counter({deed.name: lost})
        compared.twice += Counter({deed.name: surplus - unanswered.get(deed.name, 0)})
        compared.drifted += Counter({deed.name: drifted})
    return compared


def _by_subject(effects: Iterable[Effect]) -> dict[str, list[int]]:
    amounts: dict[str, list[int]] = defaultdict(list)
    for effect in effects:
        amounts[effect.subject].append(effect.fen)
    return amounts


def complaints(session: orm.Session, told: Mapping[str, Sequence[Effect]]) -> list[str]:
    """Return what the auditor says of the whole market: the doctor, verify, the trial balances, the buyers' money."""
    said = [finding.line() for finding in verify(session).findings]  # comes first: it opens its own kind of transaction
    without_hurry(session)
    said += [symptom.line() for symptom in examine(session)]
    for book in Book:
        standing = ledger.balances(session, book, on=today()).values()
        debit, credit = sum(each.debit_fen for each in standing), sum(each.credit_fen for each in standing)
        if debit != credit:
            said.append(f"trial balance of {book}: {debit} fen in debit, {credit} in credit")
    captured = session.scalar(sa.select(sa.func.sum(Order.captured_fen))) or 0
    paid = sum(effect.fen for deed in PAYING for effect in told.get(deed.name, ()))
    if captured != paid:
        said.append(f"{paid} fen were acknowledged as paid, and {captured} are on the orders")
    return said
