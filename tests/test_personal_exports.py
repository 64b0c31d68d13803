"""No personal data in clear in what is carried away: accounts, statements, sheets, lists, and files for banks.

A bank's file holds the account of the organisation that is paid, by design; of no person anything. Each export is seen
to leak when a person's name is planted where it prints a supplier's.
"""

from collections.abc import Iterator, Mapping
from io import BytesIO
from zipfile import ZipFile

import pypdf
import pytest
import time_machine
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.banks.rules import Form
from market.identity.models import Member
from market.identity.rules import Role
from tests import factories
from tests.payments.desk import in_custody, of_supplier
from tests.settlements.custody import approve, draft, instruct, paid
from tests.settlements.keeping import publish_reserve
from tests.stalls import NOON, TODAY, Stalls
from tests.story import Story
from tests.test_personal_data import PEOPLE, YEAR, found_in

PERSON = PEOPLE[0]
NAME = str(PERSON["name"])
Exports = Mapping[str, bytes]


def words(content: bytes) -> bytes:
    """Return what a file says: of pages their text, of a workbook every part unpacked, of another its bytes."""
    if content.startswith(b"%PDF"):
        return "".join(
            "".join(page.extract_text() for page in pypdf.PdfReader(BytesIO(content)).pages).split()
        ).encode()
    if content.startswith(b"PK"):
        with ZipFile(BytesIO(content)) as parts:
            return b"\n".join(parts.read(name) for name in parts.namelist())
    return content


def taken(client: TestClient, headers: Mapping[str, str], *paths: str, **asked: str) -> Exports:
    """Return what each path hands out."""
    found = {}
    for path in paths:
        answer = client.get(f"/v1/{path}", params=asked, headers=dict(headers))
        assert answer.status_code == 200, f"{path}: {answer.text[:300]}"
        found[f"{path} {asked}"] = words(answer.content)
    return found


def leaks(exports: Exports) -> dict[str, set[str]]:
    return {path: found for path, content in exports.items() if (found := found_in(content))}


@pytest.fixture
def stalls(client: TestClient, session: orm.Session) -> Iterator[Stalls]:
    with time_machine.travel(NOON, tick=False):
        yield Stalls.paid(client, session)


def test_what_is_carried_away_of_a_household_and_a_cooperative_names_nobody(stalls: Stalls) -> None:
    household = stalls.households[0]
    factories.person(stalls.session, household, known=PERSON)
    stalls.clerk.made("/disbursements", stalls.payment(500))
    listed = {"method": "bank_transfer", "evidence": "代发清单", "payments": stalls.payment(100)["payments"]}
    pay_list = stalls.clerk.made("/pay-lists", listed)["id"]

    def exports() -> Exports:
        stalls.session.flush()
        own, county = stalls.clerk.bearer, stalls.county.bearer
        account = [f"households/{household.id}/account{form}" for form in ("", ".pdf", ".xlsx")]
        sheets = [f"reports/{dimension}.xlsx" for dimension in ("channel", "cooperative")]
        return {
            **taken(stalls.county.client, county, *account, year="2026"),
            **taken(stalls.county.client, county, f"households/{household.id}/statement", *sheets, **YEAR),
            **taken(stalls.clerk.client, own, f"organisations/{stalls.supplier.id}/statement", **YEAR),
            **taken(stalls.clerk.client, own, f"pay-lists/{pay_list}", "payments", "payables"),
        }

    assert leaks(exports()) == {}
    stalls.supplier.name = NAME
    planted = leaks(exports())
    assert {found for each in planted.values() for found in each} == {NAME}
    silent = {path.split("/")[0].split(" ")[0] for path in exports()} - {
        path.split("/")[0].split(" ")[0] for path in planted
    }
    assert silent == {"pay-lists", "payments"}, "which name no supplier: they say what it asked to be paid"
    for form in ("account {", "account.pdf", "account.xlsx", "cooperative.xlsx"):
        assert any(form in path for path in planted), form


@pytest.mark.parametrize("planted", [False, True])
def test_what_is_carried_away_of_a_settlement_names_the_organisation_and_its_account_alone(
    client: TestClient, session: orm.Session, *, planted: bool
) -> None:
    publish_reserve(session)
    story, custody = Story(session, price_fen=1_000), in_custody(session)
    story.supplier.name = NAME if planted else story.supplier.name
    household = story.household()
    factories.person(session, household, known=PERSON)
    story.lot(100_000, {household.id: 33_333})
    account = of_supplier(story).account
    paid(story, custody, "20")
    settlement = draft(story, custody)
    approve(custody, settlement)
    instruct(custody, settlement)
    operator = factories.headers(session, session.get_one(Member, custody.clerk.member_id))
    manager = factories.headers(session, factories.member(session, story.supplier, Role.SUPPLIER_MANAGER))

    base = f"settlements/{settlement.id}"
    statements = taken(client, manager, *(f"{base}/statement{form}" for form in ("", ".pdf", ".xlsx")))
    files: dict[str, bytes] = {}
    for form in Form:
        files |= taken(client, operator, f"{base}/payment-file", form=form.value)
    everything = {**statements, **files}
    assert leaks(everything) == ({path: {NAME} for path in everything} if planted else {})
    payer, payee = (each.number.replace(" ", "").upper() for each in (custody.account, account))
    named = settlement.number
    assert len(files) == len(Form)
    assert all(payee.encode() in content for content in files.values()), "whom the bank pays"
    (table,) = (content.decode("gb18030") for path, content in files.items() if "csv" in path)
    yuan, bank = f"{settlement.amount_fen // 100}.{settlement.amount_fen % 100:02d}", account.bank_name
    cells = ["1", payer, account.holder, payee, bank, account.bank_code, yuan, f"结算 {named}", named, TODAY]
    assert table.splitlines()[1:] == [",".join(cells)], "and nothing else"
