"""The invariant of four eyes: of all that one person makes and another is to approve, no one approved what it made.

A new table with a maker and a checker is one more row of `APPROVALS`, by the rule of the service that decides on it.
"""

# ruff: noqa: S608 - statements are put together from the rows of this file alone

from typing import NamedTuple

from market.audit.rules import Invariant


class Approval(NamedTuple):
    """Rows `x`, with what they belong to; who made and who approved them, as SQL.

    `body` is the organisation of whose members none may approve, where another body must. From `due` on somebody must
    have approved.
    """

    subject: str
    rows: str
    maker: str
    checker: str
    body: str = "NULL"
    due: str = "false"

    @property
    def query(self) -> str:
        """Return the statement that finds what was approved by nobody, by who made it or by who belongs to the body."""
        return f"""
            SELECT {self.subject}, concat_ws(' ', 'approved by another than', {self.maker}, {self.body}),
                   coalesce({self.checker}::text, 'nobody')
              FROM {self.rows} LEFT JOIN members m ON m.id = {self.checker}
             WHERE {self.checker} = {self.maker} OR m.organisation_id = {self.body}
                OR {self.checker} IS NULL AND ({self.due})
        """


_DECIDED = "x.status IN ('approved', 'rejected')"
_CONFIRMED_OR_NOT = "x.status IN ('confirmed', 'rejected')"
_ANSWERED = "x.status <> 'proposed'"
_CONFIRMED_PAYMENTS = """
    confirmations x JOIN confirmed_payments c ON c.confirmation_id = x.id
    JOIN payments p ON p.id = c.payment_id JOIN disbursements d ON d.id = p.disbursement_id
"""
_CODES = """
    confirmation_codes x JOIN payments p ON p.id = x.payment_id JOIN disbursements d ON d.id = p.disbursement_id
"""
_BATCHES = """
    batches x JOIN certificates c ON c.batch_id = x.id JOIN reviews r ON r.application_id = c.application_id
"""
# The county's own wish to erase is carried out at once; a village clerk's is an act in a household's place, and waits.
_ERASURES = "erasures x LEFT JOIN proxy_acts a ON a.about_id = x.id AND a.deed = 'erasure_requested'"
_WHO_ASKED_ANOTHER = "CASE WHEN a.id IS NOT NULL OR x.decided_at > x.requested_at THEN x.requested_by END"

APPROVALS: tuple[Approval, ...] = (
    Approval(
        "concat('plan version ', x.id)",
        "plan_versions x JOIN plans p ON p.id = x.plan_id",
        *("x.made_by", "x.decided_by", "p.supplier_id", _DECIDED),
    ),
    Approval(
        "concat('register version ', x.id)",
        "register_versions x JOIN registers r ON r.id = x.register_id",
        *("x.made_by", "x.decided_by", "r.organisation_id", _DECIDED),
    ),
    Approval(
        "concat('distribution ', x.id)",
        "distributions x",
        *("x.made_by", "x.decided_by", "x.supplier_id", _ANSWERED),
    ),
    Approval("concat('annulment ', x.id)", "annulments x", "x.made_by", "x.decided_by", "x.supplier_id", _ANSWERED),
    Approval(
        "concat('second distribution ', x.id)",
        "second_distributions x",
        *("x.made_by", "x.decided_by", "x.collective_id", _ANSWERED),
    ),
    Approval(
        "concat('second distribution ', x.id, ' received')",
        "second_distributions x",
        *("x.made_by", "x.confirmed_by", "NULL", "x.confirmed_at IS NOT NULL"),
    ),
    Approval(
        "concat('enrolment ', x.supplier_id, ' ', x.household_id)",
        "enrolments x",
        *("x.enrolled_by", "x.confirmed_by", "x.supplier_id", "x.confirmed_at IS NOT NULL"),
    ),
    Approval(
        "concat('lot ', x.number)",
        "lots x",
        *("x.made_by", "x.opened_by", "NULL", "x.status NOT IN ('draft', 'discarded')"),
    ),
    Approval(
        "concat('lot ', l.number, ' contribution ', x.id)",
        "contributions x JOIN lots l ON l.id = x.lot_id",
        *("x.made_by", "l.opened_by"),
    ),
    Approval(
        "concat('baseline of lot ', l.number)",
        "baselines x JOIN lots l ON l.id = x.lot_id",
        *("x.stated_by", "x.decided_by", "l.supplier_id", _CONFIRMED_OR_NOT),
    ),
    Approval(
        "concat('review ', x.id)",
        "reviews x JOIN applications a ON a.id = x.application_id",
        *("a.made_by", "x.reviewer_id", "a.supplier_id"),
    ),
    Approval(
        "concat('objection ', x.id)",
        "objections x JOIN applications a ON a.id = x.application_id",
        *("x.raised_by", "x.settled_by", "a.supplier_id", "x.settled_at IS NOT NULL"),
    ),
    Approval(
        "concat('batch ', x.id)",
        _BATCHES,
        *("r.reviewer_id", "x.published_by", "CASE WHEN r.step <> 'county' THEN r.organisation_id END"),
    ),
    Approval(
        "concat('member ', x.login)",
        "members x",
        *("x.added_by", "x.admitted_by", "NULL", "x.admitted_at IS NOT NULL AND x.added_by IS NOT NULL"),
    ),
    Approval("concat('member ', x.login)", "members x", "x.id", "x.admitted_by"),
    Approval(
        "concat('bank account ', x.id)",
        "bank_accounts x",
        *("x.opened_by", "x.confirmed_by", "NULL", "x.confirmed_at IS NOT NULL AND x.purpose IN ('custody', 'own')"),
    ),
    Approval(
        "concat('erasure ', x.id)",
        _ERASURES,
        *(_WHO_ASKED_ANOTHER, "x.decided_by", "NULL", "x.status <> 'requested'"),
    ),
    Approval(
        "concat('account item ', x.item_id)",
        "account_item_checks x JOIN account_items i ON i.id = x.item_id",
        *("i.recorded_by", "x.checked_by"),
    ),
    Approval(
        "concat('baseline of household ', x.household_id)",
        "household_baselines x",
        *("x.stated_by", "x.decided_by", "NULL", _CONFIRMED_OR_NOT),
    ),
    Approval(
        "concat('matching ', x.id)",
        "matching_proposals x",
        *("x.proposed_by", "x.decided_by", "NULL", _ANSWERED),
    ),
    Approval(
        "concat('refund ', x.number)",
        "refunds x",
        *("x.requested_by", "x.decided_by", "NULL"),
        "x.requested_by IS NOT NULL AND x.status NOT IN ('requested', 'declined')",
    ),
    Approval(
        "concat('settlement ', x.number)",
        "settlements x",
        *("x.made_by", "x.decided_by", "NULL", "x.status <> 'draft'"),
    ),
    Approval(
        "concat('settlement ', x.number, ' taken back')",
        "settlements x",
        *("x.reversal_asked_by", "x.reversal_approved_by"),
    ),
    Approval(
        "concat('payment ', c.payment_id, ' received')",
        _CONFIRMED_PAYMENTS,
        *("d.made_by", "coalesce(x.made_by, x.code_issued_by)", "d.supplier_id", "true"),
    ),
    Approval(
        "concat('payment ', c.payment_id, ' received')",
        _CONFIRMED_PAYMENTS,
        *("d.countersigned_by", "coalesce(x.made_by, x.code_issued_by)"),
    ),
    Approval("concat('code of payment ', p.id)", _CODES, "d.made_by", "x.issued_by", "d.supplier_id"),
    Approval("concat('code of payment ', p.id)", _CODES, "d.countersigned_by", "x.issued_by"),
)
"""Who may decide on what: as the services have it."""

FOUR_EYES: tuple[Invariant, ...] = (
    Invariant(
        "maker_is_not_checker",
        "whoever made a thing did not approve it, and where another body must, nobody of the body that made it did",
        "经办人不得复核其经办事项;须由其他单位复核的,经办单位人员不得复核",
        " UNION ALL ".join(approval.query for approval in APPROVALS)
        + """
        UNION ALL
        SELECT concat('review ', r.id), concat('of ', m.organisation_id), concat('of ', r.organisation_id)
          FROM reviews r JOIN members m ON m.id = r.reviewer_id WHERE m.organisation_id <> r.organisation_id
        UNION ALL
        SELECT concat('application ', application_id), 'a reviewer for each step', count(DISTINCT reviewer_id)::text
          FROM reviews GROUP BY application_id
        HAVING count(*) > least(count(DISTINCT reviewer_id), count(DISTINCT organisation_id))
        """,
    ),
)
