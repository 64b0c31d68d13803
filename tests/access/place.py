"""Where the places of the matrix lie, who sits there, and what there is in each."""

from dataclasses import dataclass

from market.identity.rules import OrganisationKind

HOME = "141122106201"
PLACES = {
    "own": HOME,
    "village": HOME,
    "township": "141122106202",
    "county": "141122107201",
    "elsewhere": "141130101201",
}
"""By how far they are from one's own organisation: another one's in the same village, township, county, or beyond."""

BODIES: dict[str, tuple[OrganisationKind, str]] = {
    "township_reviewer": (OrganisationKind.TOWNSHIP_GOVERNMENT, HOME[:9]),
    "trade_reviewer": (OrganisationKind.AGRICULTURE_DEPARTMENT, HOME[:6]),
    "county_reviewer": (OrganisationKind.REVITALISATION_DEPARTMENT, HOME[:6]),
    "village_clerk": (OrganisationKind.VILLAGE_OFFICE, HOME),
    "finance_officer": (OrganisationKind.FINANCE_DEPARTMENT, HOME[:6]),
    "auditor": (OrganisationKind.AUDIT_OFFICE, HOME[:2]),
    "operator": (OrganisationKind.PLATFORM, HOME[:2]),
}
"""Where the roles sit that neither sell nor buy."""


@dataclass(frozen=True)
class Place:
    """The ids of what there is in a place: everything once, in every state in which something may be done to it."""

    code: str
    supplier: str
    supplier_name: str
    buyer: str
    supplier_member: str
    buyer_member: str
    key: str
    household: str
    household_code: str
    item: str
    household_baseline: str
    person: str
    consent: str
    unproved: str
    proxy_act: str
    erasure: str
    newcomer: str
    newcomer_code: str
    collective: str
    plan: str
    draft_version: str
    submitted_version: str
    register: str
    draft_register: str
    submitted_register: str
    submitted: str
    township_passed: str
    trade_passed: str
    notice: str
    cleared: str
    objection: str
    certificate: str
    batch: str
    suspended: str
    category: str
    product: str
    draft: str
    draft_lot: str
    open_lot: str
    held_lot: str
    measured_lot: str
    contribution: str
    placed: str
    confirmed: str
    shipped: str
    accepted: str
    price_cut: str
    paid: str
    confirmed_line: str
    shipped_line: str
    accepted_line: str
    receipt: str
    bank_account: str
    bank_line: str
    meaning: str
    match: str
    earning: str
    settlement: str
    approved_settlement: str
    instructed_settlement: str
    paid_settlement: str
    returning_settlement: str
    online_group: str
    online_payment: str
    dispute: str
    provider_call: str
    provider_event: str
    custody_account: str
    refund_file_direct: str
    refund_file_custody: str
    paid_directly: str
    paid_into_custody: str
    requested_direct: str
    approved_direct: str
    sent_direct: str
    failed_direct: str
    requested_custody: str
    approved_custody: str
    sent_custody: str
    failed_custody: str
    payment: str
    payment_code: str
    disbursement: str
    proof: str
    unused_evidence: str
    bank_list: str
    bank_list_reference: str
    cash_list: str
    shares: str
    distribution: str
    shared_out: str
    annulment: str
    own_list: str
    second: str
    stated: str
