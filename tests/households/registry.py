"""A household with one made-up person, and those who may see of them."""

from typing import Any

import sqlalchemy as sa
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.households.models import PersonalDataAccess
from market.identity.rules import OrganisationKind, Role
from tests import factories
from tests.stalls import VILLAGE, Desk

WHY = {"purpose": "identity_check", "reason": "年度信息核验"}
CARD = factories.particulars(1)


class Registry:
    """A household with one person, and those who may see of them."""

    def __init__(self, client: TestClient, session: orm.Session) -> None:
        """Put them on the register."""
        self.client, self.session = client, session
        factories.region(session, code=VILLAGE)
        self.household = factories.household(session, village_code=VILLAGE, code="H1")
        self.person = factories.person(session, self.household, known=CARD)
        self.county = self.desk(OrganisationKind.AGRICULTURE_DEPARTMENT, Role.COUNTY_REVIEWER, "141122")
        self.clerk = self.desk(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, VILLAGE)
        self.auditor = self.desk(OrganisationKind.AUDIT_OFFICE, Role.AUDITOR, "14")
        supplier = factories.organisation(session)
        factories.enrolment(session, supplier, self.household)
        self.manager = Desk(client, session, factories.member(session, supplier, Role.SUPPLIER_MANAGER))
        self.seller = Desk(client, session, factories.member(session, supplier, Role.SUPPLIER_CLERK))

    def desk(self, kind: OrganisationKind, role: Role, region_code: str) -> Desk:
        """Give a new member of a new body a desk."""
        body = factories.organisation(self.session, kind=kind, region_code=region_code)
        return Desk(self.client, self.session, factories.member(self.session, body, role))

    def reveal(self, desk: Desk, *fields: str, **changed: Any) -> Any:
        """Ask for fields of the household in clear."""
        asked = {"household_ids": [str(self.household.id)], "fields": list(fields)} | WHY | changed
        return desk.post("/people/reveals", asked)

    def accesses(self) -> list[PersonalDataAccess]:
        """Return who read what."""
        return list(self.session.scalars(sa.select(PersonalDataAccess).order_by(PersonalDataAccess.id)))
