"""Cross-checks of what is on record, and of what proves payments, over HTTP: hints, by named rules."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from fastapi import Query

from market.api import Page, cut, decode_cursor, router_of
from market.audit.oddity_schemas import OddProofOut, OddQuery, OddRecordOut, ProofQuery, RecordQuery
from market.audit.proofs import odd_proofs
from market.audit.records import odd_records
from market.audit.rules import PROOF_WORDS, RECORD_WORDS, ProofRule, RecordRule
from market.clock import business_date, utc_now
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("audit")

USUAL_DAYS = timedelta(days=365)
Monitor = Annotated[Caller, requires(Permission.MONITORING_READ)]
Told = TypeVar("Told", OddRecordOut, OddProofOut)


@router.get("/monitoring/records")
def list_odd_records(query: Annotated[RecordQuery, Query()], caller: Monitor) -> Page[OddRecordOut]:
    """List what is odd about what suppliers and counties put on record, by named rules: hints, none is refused for it.

    Lots that their land cannot have borne; produce bought far above what it is sold for, and lots that cost more than
    they can bring; more hours than the days have; plans, payments and receipts dated back by more than 30 days;
    receipts recorded by hand of which the supplier's own statements of those days tell nothing; products far dearer
    than those of other suppliers; sales above the value that was declared for a certificate; products ordered under a
    certificate that had lapsed, or above the price that there was evidence of.
    """
    rules = [query.rule] if query.rule else list(RecordRule)
    return _listed(query, caller, odd_records, rules=rules, told=OddRecordOut, words=RECORD_WORDS)


@router.get("/monitoring/evidence")
def list_odd_evidence(query: Annotated[ProofQuery, Query()], caller: Monitor) -> Page[OddProofOut]:
    """List what is odd about the proofs of payments, by named rules: hints for who audits, none is refused for it.

    Payments without a file; files captured after the payment or long before it; pictures that look like one that proves
    something else, though their bytes differ; files that two organisations put forward.
    """
    rules = [query.rule] if query.rule else list(ProofRule)
    return _listed(query, caller, odd_proofs, rules=rules, told=OddProofOut, words=PROOF_WORDS)


def _listed(
    query: OddQuery,
    caller: Caller,
    find: Callable[..., list[Any]],
    *,
    rules: list[Any],
    told: type[Told],
    words: Mapping[Any, tuple[str, str]],
) -> Page[Told]:
    end = query.end or business_date(utc_now())
    with caller.transaction() as (session, actor):
        found = find(
            session,
            actor,
            begin=query.begin or end - USUAL_DAYS,
            end=end,
            rules=rules,
            supplier_id=query.supplier_id,
            after=decode_cursor(query.cursor, keys=1)[0] if query.cursor else None,
            limit=query.limit + 1,
        )
    page, next_cursor = cut(found, query.limit, lambda each: each.key)
    plain = told.model_fields.keys() - {"en", "zh"}
    items = [
        told(en=words[each.rule][0], zh=words[each.rule][1], **{name: getattr(each, name) for name in plain})
        for each in page
    ]
    return Page(items=items, next_cursor=next_cursor)
