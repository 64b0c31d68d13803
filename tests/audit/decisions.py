"""What takes two people and the walk does not bring: their decisions, and how one person alone seems to have made each.

The invariant is named by the table of what was approved; whoever approved it is then its maker, or of the body that
made it where another body must approve.
"""

from sqlalchemy import orm

from market.attribution import confirming
from market.certification.rules import ApplicationStatus
from market.households import erasing
from market.households.rules import ErasureEvent
from market.identity import members
from market.identity.rules import Actor, OrganisationKind, Role, Scope
from market.lots import baselines
from market.lots.models import Lot
from market.lots.rules import BaselineEvent
from market.quantities import MeasuredIn
from tests import factories
from tests.certification import steps
from tests.story import NOON, TODAY, Story


def decide(session: orm.Session, story: Story, lot: Lot) -> None:
    """Have two people decide on certificates, an objection, baselines, an item, erasures, a member and a payment."""
    county, village = _officer(session, Role.COUNTY_REVIEWER), _officer(session, Role.VILLAGE_CLERK)
    people = steps.county(session)
    steps.certified(session, people)
    objection = steps.object_to(session, people, steps.bring_to(session, people, ApplicationStatus.ON_NOTICE))
    steps.settle(session, people.county, objection, upheld=False)
    _state_baseline(session, story, county, lot)
    family, neighbours = story.household(), story.household()
    factories.account_item(session, family, checked=True)
    factories.household_baseline(session, family)
    for household in (family, neighbours):
        factories.person(session, household)
    asked = erasing.request(session, village, household_id=family.id, reason="本人申请", now=NOON)
    carried_out = ErasureEvent.CARRY_OUT
    erasing.decide(session, county, erasure_id=asked.id, event=carried_out, opinion="同意", now=NOON)
    erasing.request(session, county, household_id=neighbours.id, reason="已迁出", now=NOON)
    _admit(session, county)
    told, printed = (story.disburse({household.id: 100})[0] for household in (family, neighbours))
    confirming.confirm(session, village, payment_ids=[told], on=TODAY, now=NOON)
    code = confirming.issue_code(session, village, payment_id=printed, now=NOON)
    confirming.confirm_by_code(session, payment_id=printed, code=code, now=NOON)


def _officer(session: orm.Session, role: Role) -> Actor:
    is_clerk = role is Role.VILLAGE_CLERK
    kind = OrganisationKind.VILLAGE_OFFICE if is_clerk else OrganisationKind.REVITALISATION_DEPARTMENT
    body = factories.organisation(session, kind=kind, region_code="141122106201" if is_clerk else "141122")
    return factories.actor(session, factories.member(session, body, role), Scope.REGION)


def _state_baseline(session: orm.Session, story: Story, county: Actor, lot: Lot) -> None:
    baselines.propose_baseline(
        session,
        story.clerk,
        lot_id=lot.id,
        period_from=TODAY.replace(year=2018),
        period_to=TODAY.replace(year=2019),
        source="产量台账",
        area_milli_mu=1_000,
        yield_milli_per_mu=1_000_000,
        measured_in=MeasuredIn.KG,
        unit_price_fen=120,
    )
    event = BaselineEvent.CONFIRM
    baselines.decide_baseline(session, county, lot_id=lot.id, event=event, opinion="一致", now=NOON)


def _admit(session: orm.Session, county: Actor) -> None:
    added = members.add(
        session,
        county.member_id,
        organisation_id=county.organisation_id,
        login="新人",
        password_hash="x",
        role=Role.COUNTY_REVIEWER,
        now=NOON,
    )
    auditor = factories.organisation(session, kind=OrganisationKind.AUDIT_OFFICE)
    members.admit(session, factories.actor(session, factories.member(session, auditor), Scope.ALL), added, now=NOON)


def _colleague(body: str, maker: str) -> str:
    """Return the id of another member than the maker of the body that made something."""
    return f"(SELECT min(m.id::text)::uuid FROM members m WHERE m.organisation_id = {body} AND m.id <> {maker})"


_OF_A_CERTIFICATE = """
    FROM certificates c JOIN reviews r ON r.application_id = c.application_id WHERE c.batch_id = x.id AND r.step
"""
_CONFIRMER = "coalesce(c.made_by, c.code_issued_by)"
_CONFIRMED = """
    FROM confirmations c JOIN confirmed_payments y ON y.confirmation_id = c.id JOIN payments p ON p.id = y.payment_id
"""

APPROVED_ALONE: dict[str, str] = {
    "a plan by its maker": "UPDATE plan_versions SET decided_by = made_by",
    "a plan by its supplier": (
        f"UPDATE plan_versions x SET decided_by = {_colleague('p.supplier_id', 'x.made_by')}"
        " FROM plans p WHERE p.id = x.plan_id"
    ),
    "a plan by nobody": "UPDATE plan_versions SET decided_by = NULL",
    "a register by its maker": "UPDATE register_versions SET decided_by = made_by",
    "a register by its keeper": (
        f"UPDATE register_versions x SET decided_by = {_colleague('r.organisation_id', 'x.made_by')}"
        " FROM registers r WHERE r.id = x.register_id"
    ),
    "a register by nobody": "UPDATE register_versions SET decided_by = NULL",
    "a distribution by its maker": "UPDATE distributions SET decided_by = made_by",
    "a distribution by its supplier": (
        f"UPDATE distributions x SET decided_by = {_colleague('x.supplier_id', 'x.made_by')}"
    ),
    "a distribution by nobody": "UPDATE distributions SET decided_by = NULL",
    "an annulment by its maker": "UPDATE annulments SET decided_by = made_by",
    "an annulment by its supplier": (
        f"UPDATE annulments x SET decided_by = {_colleague('x.supplier_id', 'x.made_by')}"
    ),
    "an annulment by nobody": "UPDATE annulments SET decided_by = NULL",
    "what was given on by its maker": "UPDATE second_distributions SET decided_by = made_by",
    "what was given on by the collective": (
        f"UPDATE second_distributions x SET decided_by = {_colleague('x.collective_id', 'x.made_by')}"
    ),
    "what was given on by nobody": "UPDATE second_distributions SET decided_by = NULL",
    "what was given on as received by its maker": (
        "UPDATE second_distributions SET confirmed_by = made_by WHERE confirmed_by IS NOT NULL"
    ),
    "an enrolment by its maker": "UPDATE enrolments SET confirmed_by = enrolled_by",
    "an enrolment by the supplier": (
        f"UPDATE enrolments x SET confirmed_by = {_colleague('x.supplier_id', 'x.enrolled_by')}"
    ),
    "a lot by its maker": "UPDATE lots SET opened_by = made_by WHERE opened_by <> made_by",
    "a lot by nobody": "UPDATE lots SET opened_by = NULL WHERE status = 'open'",
    "a lot by who recorded what was given to it": (
        "UPDATE contributions c SET made_by = l.opened_by FROM lots l WHERE l.id = c.lot_id AND l.status = 'open'"
    ),
    "a lot's baseline by its maker": "UPDATE baselines SET decided_by = stated_by",
    "a lot's baseline by its supplier": (
        f"UPDATE baselines x SET decided_by = {_colleague('l.supplier_id', 'x.stated_by')}"
        " FROM lots l WHERE l.id = x.lot_id"
    ),
    "an application by its maker": (
        "UPDATE applications x SET made_by = r.reviewer_id FROM reviews r WHERE r.application_id = x.id"
    ),
    "an application by its supplier": (
        "UPDATE applications x SET supplier_id = r.organisation_id FROM reviews r"
        " WHERE r.application_id = x.id AND NOT EXISTS (SELECT FROM objections o WHERE o.application_id = x.id)"
    ),
    "a review of another body": (
        "UPDATE reviews x SET organisation_id = a.supplier_id FROM applications a"
        " WHERE a.id = x.application_id AND x.step = 'county'"
    ),
    "an objection by who raised it": "UPDATE objections SET settled_by = raised_by",
    "an objection by the supplier": (
        f"UPDATE objections x SET settled_by = {_colleague('a.supplier_id', 'x.raised_by')}"
        " FROM applications a WHERE a.id = x.application_id"
    ),
    "a batch by a reviewer": f"UPDATE batches x SET published_by = r.reviewer_id {_OF_A_CERTIFICATE} = 'county'",
    "a batch by who recommended": (
        "UPDATE members m SET organisation_id = x.organisation_id FROM (SELECT x.published_by, r.organisation_id"
        " FROM batches x JOIN certificates c ON c.batch_id = x.id JOIN reviews r ON r.application_id = c.application_id"
        " WHERE r.step = 'trade') x WHERE m.id = x.published_by"
    ),
    "a member by who added it": "UPDATE members SET admitted_by = added_by WHERE added_by IS NOT NULL",
    "a member by itself": "UPDATE members SET admitted_by = id WHERE added_by IS NOT NULL",
    "a member by nobody": "UPDATE members SET admitted_by = NULL WHERE added_by IS NOT NULL",
    "an account by its opener": "UPDATE bank_accounts SET confirmed_by = opened_by WHERE confirmed_by IS NOT NULL",
    "an account by nobody": "UPDATE bank_accounts SET confirmed_by = NULL WHERE confirmed_by IS NOT NULL",
    "an erasure by who asked, later": (
        "UPDATE erasures SET requested_at = requested_at - interval '1 day' WHERE requested_by = decided_by"
    ),
    "an erasure by the clerk who asked": "UPDATE erasures SET requested_by = decided_by",
    "an erasure by nobody": "UPDATE erasures SET decided_by = NULL",
    "an item by who recorded it": "UPDATE account_item_checks SET checked_by = recorded_by",
    "a household's baseline by its maker": "UPDATE household_baselines SET decided_by = stated_by",
    "a household's baseline by nobody": "UPDATE household_baselines SET decided_by = NULL",
    "what a line means by its maker": "UPDATE matching_proposals SET decided_by = proposed_by",
    "what a line means by nobody": "UPDATE matching_proposals SET decided_by = NULL",
    "a refund by who asked for it": "UPDATE refunds SET decided_by = requested_by",
    "a refund by nobody": "UPDATE refunds SET decided_by = NULL",
    "a settlement by its maker": "UPDATE settlements SET decided_by = made_by",
    "a settlement by nobody": "UPDATE settlements SET decided_by = NULL",
    "a settlement taken back by who asked": (
        "UPDATE settlements SET reversal_asked_by = made_by, reversal_approved_by = made_by"
    ),
    "a payment as received by who recorded it": (
        f"UPDATE disbursements d SET made_by = {_CONFIRMER} {_CONFIRMED} WHERE p.disbursement_id = d.id"
    ),
    "a payment as received by who signed for it": (
        f"UPDATE disbursements d SET countersigned_by = {_CONFIRMER} {_CONFIRMED} WHERE p.disbursement_id = d.id"
    ),
    "a payment as received by its payer": (
        f"UPDATE members m SET organisation_id = p.supplier_id {_CONFIRMED} WHERE m.id = {_CONFIRMER}"
    ),
    "a code by who recorded the payment": (
        "UPDATE disbursements d SET made_by = c.issued_by"
        " FROM confirmation_codes c JOIN payments p ON p.id = c.payment_id WHERE p.disbursement_id = d.id"
    ),
    "a code by who signed for the payment": (
        "UPDATE disbursements d SET countersigned_by = c.issued_by"
        " FROM confirmation_codes c JOIN payments p ON p.id = c.payment_id WHERE p.disbursement_id = d.id"
    ),
}
"""How each of these seems to have been approved, behind the guards."""
