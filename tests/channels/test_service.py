"""The scheme of a day."""

from datetime import date

import pytest
import sqlalchemy as sa
from sqlalchemy import orm

from market.channels import service
from market.channels.rules import ChannelTerms, SchemeBodyError, UnknownChannelError
from market.identity.rules import OrganisationKind
from tests import factories

FIRST, SECOND = date(2019, 1, 1), date(2025, 1, 1)
HALL_ONLY = ChannelTerms(
    code="city",
    name="进城市",
    buyer_kinds=frozenset({OrganisationKind.EXHIBITION_HALL}),
    evidence_kinds=("consignment_sheet", "contract"),
    needs_external_number=True,
    counts_to_reserved_share=False,
)


def publish_second(session: orm.Session) -> None:
    service.publish_scheme(
        session, code="qi_jin", name="七进(新)", valid_from=SECOND, channels=[HALL_ONLY], today=date(2024, 12, 31)
    )


def test_seven_channels_lead_into_the_market(session: orm.Session) -> None:
    factories.seven_into(session, valid_from=FIRST)
    codes = ["canteen", "city", "market", "online", "scenic", "workshop", "household"]
    policies = [service.policy_on(session, code, FIRST) for code in codes]
    assert [policy.code for policy in policies] == codes
    assert [policy.needs_external_number for policy in policies].count(True) == 1


def test_an_order_of_a_day_meets_the_version_of_that_day(session: orm.Session) -> None:
    first = factories.seven_into(session, valid_from=FIRST)
    publish_second(session)
    before = service.policy_on(session, "city", date(2024, 12, 31))
    after = service.policy_on(session, "city", SECOND)
    assert (before.scheme_id, before.evidence_kinds) == (first.id, ("consignment_sheet",))
    assert (after.evidence_kinds, after.needs_external_number) == (("consignment_sheet", "contract"), True)
    assert after.buyer_kinds == {OrganisationKind.EXHIBITION_HALL}


def test_a_channel_that_the_version_of_the_day_lacks_is_unknown(session: orm.Session) -> None:
    factories.seven_into(session, valid_from=FIRST)
    publish_second(session)
    for code, on in [("canteen", SECOND), ("canteen", date(2018, 12, 31)), ("mine", FIRST)]:
        with pytest.raises(UnknownChannelError):
            service.policy_on(session, code, on)
    with pytest.raises(UnknownChannelError):
        service.policy_on(session, "canteen", FIRST, scheme="ba_jin")


def test_a_policy_costs_one_statement(session: orm.Session) -> None:
    factories.seven_into(session)
    statements: list[str] = []
    connection = session.connection()
    sa.event.listen(connection, "before_cursor_execute", lambda *seen: statements.append(seen[2]))
    service.policy_on(session, "canteen", SECOND)
    assert len(statements) == 1


def test_an_unsound_scheme_is_not_published(session: orm.Session) -> None:
    with pytest.raises(SchemeBodyError):
        service.publish_scheme(session, code="qi_jin", name="七进", valid_from=FIRST, channels=[], today=FIRST)
