"""A scheme whose channel keeps a fee and a reserve of what passes through custody."""

from datetime import timedelta

from sqlalchemy import orm

from market.channels import service as channels
from market.channels.rules import ChannelTerms, FundsModel
from market.identity.rules import OrganisationKind
from tests.story import TODAY

DAYS = timedelta(days=30)


def publish_reserve(session: orm.Session, *models: FundsModel, fee_bp: int = 200) -> None:
    """Publish a scheme of one channel that keeps a tenth back for thirty days."""
    terms = ChannelTerms(
        code="canteen",
        name="进食堂",
        buyer_kinds=frozenset(OrganisationKind),
        evidence_kinds=(),
        needs_external_number=False,
        counts_to_reserved_share=True,
        funds_models=models or (FundsModel.CUSTODIAN,),
        fee_bp=fee_bp,
        reserve_bp=1_000,
        reserve_days=DAYS.days,
    )
    channels.publish_scheme(session, code="qi_jin", name="七进", valid_from=TODAY, channels=[terms], today=TODAY)
