"""Cross-checks of what is on record of lots, contributions, plans and payments, over HTTP."""

from datetime import timedelta
from typing import Annotated

from fastapi import Query

from market.api import Page, decode_cursor, encode_cursor, router_of
from market.audit.record_schemas import OddRecordOut, RecordQuery
from market.audit.records import OddRecord, odd_records
from market.audit.rules import RECORD_WORDS, RecordRule
from market.clock import business_date, utc_now
from market.identity.access import Caller, requires
from market.identity.rules import Permission

router = router_of("audit")

USUAL_DAYS = timedelta(days=365)


@router.get("/monitoring/records")
def list_odd_records(
    query: Annotated[RecordQuery, Query()], caller: Annotated[Caller, requires(Permission.MONITORING_READ)]
) -> Page[OddRecordOut]:
    """List what is odd about what suppliers and counties put on record, by named rules: hints, none is refused for it.

    Lots that their land cannot have borne; produce bought far above what it is sold for, and lots that cost more than
    they can bring; more hours than the days have; plans, payments and receipts dated back by more than 30 days.
    """
    end = query.end or business_date(utc_now())
    with caller.transaction() as (session, actor):
        found = odd_records(
            session,
            actor,
            begin=query.begin or end - USUAL_DAYS,
            end=end,
            rules=[query.rule] if query.rule else list(RecordRule),
            supplier_id=query.supplier_id,
            after=decode_cursor(query.cursor, keys=1)[0] if query.cursor else None,
            limit=query.limit + 1,
        )
    page = found[: query.limit]
    return Page(
        items=[_out(each) for each in page],
        next_cursor=encode_cursor(page[-1].key) if len(found) > query.limit else None,
    )


def _out(each: OddRecord) -> OddRecordOut:
    en, zh = RECORD_WORDS[RecordRule(each.rule)]
    return OddRecordOut(
        en=en, zh=zh, **{name: getattr(each, name) for name in OddRecordOut.model_fields if name not in {"en", "zh"}}
    )
