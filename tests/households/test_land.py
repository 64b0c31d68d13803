"""The land that a household farms: told by its county or a file, corrected, and no more asked of who has not told."""

from typing import Any

import pytest
import sqlalchemy as sa

from market.households.models import Household
from tests.households.registry import Registry
from tests.households.test_importing import Row, csv_of, row, send, xlsx_of
from tests.stalls import VILLAGE


def land_of(registry: Registry, code: str) -> int | None:
    registry.session.expire_all()
    return registry.session.scalars(sa.select(Household.land_milli_mu).where(Household.code == code)).one()


def test_a_county_tells_the_land_of_a_household_and_corrects_it(registry: Registry) -> None:
    told: dict[str, Any] = {
        "code": "1411221062010999",
        "village_code": VILLAGE,
        "head_count": 3,
        "status": "registered_poor",
    }
    made = registry.county.made("/households", told | {"registered_on": "2024-01-01", "land_mu": "6.50"})
    path, headers = f"/v1/households/{made['id']}", registry.county.bearer
    assert made["land_mu"] == "6.5"
    same = registry.client.patch(path, json={"head_count": 3}, headers=headers | {"If-Match": '"1"'})
    assert same.json()["land_mu"] == "6.5", "who says nothing of it leaves it"
    corrected = {"head_count": 3, "land_mu": "0.333"}
    changed = registry.client.patch(path, json=corrected, headers=headers | {"If-Match": same.headers["ETag"]})
    assert (changed.json()["land_mu"], land_of(registry, told["code"])) == ("0.333", 333)
    assert registry.county.get(f"/households/{registry.household.id}").json()["land_mu"] is None
    for wrong in ("1000", "-1", "1.2345", "many"):
        refused = registry.county.post("/households", told | {"registered_on": "2024-01-01", "land_mu": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/land_mu")


@pytest.mark.parametrize(("kind", "written"), [("csv", "12.5"), ("xlsx", 12.5)])
def test_a_file_tells_the_land_if_it_has_the_column(registry: Registry, kind: str, written: Any) -> None:
    rows = [row(11, heads=2, land_mu=written), row(12, heads=2, land_mu=written), row(13, "FH2")]
    content = {"csv": csv_of, "xlsx": xlsx_of}[kind](rows)
    assert send(registry.county, content, kind).status_code == 201
    assert (land_of(registry, "FH1"), land_of(registry, "FH2")) == (12_500, None)
    assert send(registry.county, content, kind).json()["differences"] == []


def test_a_file_without_the_column_is_read_and_leaves_what_is_known(registry: Registry) -> None:
    known: list[Row] = [row(11, land_mu="3")]
    send(registry.county, csv_of(known))
    text = csv_of([row(11)]).decode("utf-8-sig")
    without = "\n".join(",".join(line.split(",")[:5] + line.split(",")[6:]) for line in text.splitlines())
    assert "亩" in text
    assert "亩" not in without
    again = send(registry.county, without.encode(), apply_changes=True)
    assert (again.status_code, again.json()["differences"], land_of(registry, "FH1")) == (200, [], 3_000)
    other = csv_of([row(11, land_mu="4")])
    assert send(registry.county, other).json()["differences"][0]["columns"] == ["land_mu"]
    assert land_of(registry, "FH1") == 3_000, "shown, and not applied"
    send(registry.county, other, apply_changes=True)
    assert land_of(registry, "FH1") == 4_000


@pytest.mark.parametrize("wrong", ["1000", "1.2345", "三亩", "-1"])
def test_an_area_that_is_none_is_a_fault_of_its_row_and_column(registry: Registry, wrong: str) -> None:
    (fault,) = send(registry.county, csv_of([row(11, land_mu=wrong)]), dry=True).json()["faults"]
    assert (fault["row"], fault["column"]) == (2, "land_mu")
    assert wrong not in fault["zh"]


def test_two_people_of_a_household_farm_the_same_land(registry: Registry) -> None:
    rows = [row(11, heads=2, land_mu="3"), row(12, heads=2, land_mu="")]
    (fault,) = send(registry.county, csv_of(rows), dry=True).json()["faults"]
    assert (fault["row"], fault["column"]) == (3, "land_mu")
