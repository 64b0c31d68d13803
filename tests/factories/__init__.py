"""Small functions that put one thing into the market and return its row; every fact has a default."""

from tests.factories.goods import (
    application,
    category,
    certificate,
    contribution,
    lot,
    plan,
    plan_simulation,
    plan_version,
    product,
)
from tests.factories.livings import account_item, household_baseline
from tests.factories.money import bank_account, confirm
from tests.factories.people import (
    LONG_AGO,
    PASSWORD,
    actor,
    headers,
    member,
    number,
    organisation,
    signed_in,
    token,
)
from tests.factories.persons import VAULT, card, particulars, person, resident_id
from tests.factories.places import enrolment, household, region, seven_into, village
from tests.factories.sharing import register_version

__all__ = [
    "LONG_AGO",
    "PASSWORD",
    "VAULT",
    "account_item",
    "actor",
    "application",
    "bank_account",
    "card",
    "category",
    "certificate",
    "confirm",
    "contribution",
    "enrolment",
    "headers",
    "household",
    "household_baseline",
    "lot",
    "member",
    "number",
    "organisation",
    "particulars",
    "person",
    "plan",
    "plan_simulation",
    "plan_version",
    "product",
    "region",
    "register_version",
    "resident_id",
    "seven_into",
    "signed_in",
    "token",
    "village",
]
