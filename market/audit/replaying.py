"""Replaying a supplier's history: from each fact, in the order in which they posted, the entries it must have made."""

from collections.abc import Collection, Mapping
from datetime import date
from uuid import UUID

from market.audit.annulling_contributions import AnnullingContributions
from market.audit.annulling_lists import AnnullingLists
from market.audit.eligibility import Hints
from market.audit.facts import Event, EventKind
from market.audit.history import Expected
from market.audit.payouts import Money


class Replay(AnnullingContributions, Money, AnnullingLists):
    """One supplier's history; `expected` must be asked for every event in turn."""

    def announce_confirmations(self, ids: Collection[UUID]) -> None:
        """Say which payments, and second distributions, a later entry confirms; others were before any match."""
        self._confirmed_by_entry.update(ids)

    def expected(self, event: Event, hints: Mapping[str, Hints], *, opens_on: date = date.min) -> list[Expected]:
        """Return the entries an event makes and count them as posted; months before `opens_on` were closed by then."""
        self._opens_on = opens_on
        work = {
            EventKind.ACCEPTANCE: self._accept,
            EventKind.RECEIPT: self._receive,
            EventKind.SETTLEMENT: self._receive,
            EventKind.UNSETTLEMENT: self._lose,
            EventKind.REFUND: self._lose,
            EventKind.RETURN: self._take_back,
            EventKind.PRICE_CUT: self._take_back,
            EventKind.DISBURSEMENT: self._disburse,
            EventKind.CONFIRMATION: self._confirm,
            EventKind.PAYMENT_REVERSAL: self._reverse_payment,
            EventKind.DISTRIBUTION: self._share_out,
            EventKind.ANNULMENT: self._annul_list if event.annuls_list else self._annul_contribution,
            EventKind.SECOND_DISTRIBUTION: self._give_on,
            EventKind.SECOND_CONFIRMATION: self._confirm_second,
        }[event.kind]
        entries: list[Expected] = []
        for entry in work(event, hints):
            if entry.effective_on < opens_on:
                entry.original_on = entry.original_on or entry.effective_on
                entry.effective_on = opens_on
            self._standing.post(entry.moves, entry.effective_on, period=entry.period, undone_on=entry.undone_on)
            self._keep_sources(entry)
            entries.append(entry)
        return entries
