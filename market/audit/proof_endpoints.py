"""Cross-checks of what proves payments, over HTTP."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from market.api import Page, decode_cursor, encode_cursor, router_of
from market.audit.proof_schemas import OddProofOut, ProofQuery
from market.audit.proofs import OddProof, odd_proofs
from market.audit.rules import PROOF_WORDS, ProofRule
from market.clock import business_date, utc_now
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("audit")

USUAL_DAYS = timedelta(days=365)


@router.get("/monitoring/evidence")
def list_odd_evidence(
    query: Annotated[ProofQuery, Query()], caller: Annotated[Caller, requires(Permission.MONITORING_READ)]
) -> Page[OddProofOut]:
    """List what is odd about the proofs of payments, by named rules: hints for who audits, none is refused for it.

    Payments without a file; files captured after the payment or long before it; pictures that look like one that proves
    something else, though their bytes differ; files that two organisations put forward.
    """
    end = query.end or business_date(utc_now())
    with caller.transaction() as (session, actor):
        found = odd_proofs(
            session,
            actor,
            begin=query.begin or end - USUAL_DAYS,
            end=end,
            rules=[query.rule] if query.rule else list(ProofRule),
            supplier_id=query.supplier_id,
            after=decode_cursor(query.cursor, keys=1)[0] if query.cursor else None,
            limit=query.limit + 1,
        )
    page = found[: query.limit]
    return Page(
        items=[_out(each) for each in page],
        next_cursor=encode_cursor(page[-1].key) if len(found) > query.limit else None,
    )


def _out(each: OddProof) -> OddProofOut:
    en, zh = PROOF_WORDS[ProofRule(each.rule)]
    return OddProofOut(
        en=en, zh=zh, **{name: getattr(each, name) for name in OddProofOut.model_fields if name not in {"en", "zh"}}
    )
