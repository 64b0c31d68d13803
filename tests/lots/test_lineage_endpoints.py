"""Lots made of lots by HTTP: processing, splitting, merging, repacking, and the graph that they make."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import orm
from starlette.testclient import TestClient

from market.identity.rules import Role
from market.quantities import Unit
from tests import factories
from tests.lots.cooperative import LOT, Cooperative, refused


@pytest.fixture
def cooperative(session: orm.Session, client: TestClient) -> Cooperative:
    return Cooperative(session, client)


def processed(cooperative: Cooperative, *inputs: dict[str, str], **facts: Any) -> Any:
    return cooperative.post(
        "/lots/processing", LOT | {"product_id": cooperative.product_id, "inputs": inputs, "bought_in": "0"} | facts
    )


def test_a_processed_lot_takes_stock_and_shows_in_the_graph(cooperative: Cooperative) -> None:
    source = cooperative.open_lot()
    answer = processed(cooperative, {"lot_id": source["id"], "quantity": "400"}, quantity="300", loss="100")
    dried = answer.json()
    assert (answer.status_code, dried["origin"], dried["content"]) == (201, "processed", None)
    shown = cooperative.get(f"/lots/{source['id']}").json()
    assert (shown["available"], shown["moved"], shown["origin"]) == ("300", "200", "produced")
    edge = {
        "lot_id": dried["id"],
        "lot_number": dried["number"],
        "input_lot_id": source["id"],
        "input_lot_number": source["number"],
        "quantity": "200",
    }
    graph = cooperative.get(f"/lots/{dried['id']}/graph").json()
    assert graph == {"lot_id": dried["id"], "base_unit": "kg", "ancestors": [edge], "descendants": []}
    assert cooperative.get(f"/lots/{source['id']}/graph").json()["descendants"] == [edge]
    for inputs, status, code, pointer in (
        ({"lot_id": dried["id"], "quantity": "1"}, 409, "input_lot", "/inputs/0/lot_id"),
        ({"lot_id": source["id"], "quantity": "601"}, 409, "out_of_stock", "/inputs/0/quantity"),
        ({"lot_id": str(uuid4()), "quantity": "1"}, 404, "not_found", "/inputs/0/lot_id"),
    ):
        refused(processed(cooperative, inputs), status, code, pointer)


def test_boxes_are_processed_out_of_what_is_weighed(cooperative: Cooperative) -> None:
    source = cooperative.open_lot()
    boxed = factories.product(cooperative.session, cooperative.body, unit=Unit.PIECE, unit_milli=1_000)
    taken = {"lot_id": source["id"], "quantity": "500"}
    pieces = {"product_id": str(boxed.id), "unit": "piece", "input_unit": "jin", "quantity": "800", "content": "0.3"}
    answer = processed(cooperative, taken, **pieces, loss="20")
    lot = answer.json()
    assert (lot["base_unit"], lot["content"], lot["quantity"], lot["loss"]) == ("piece", "0.3", "800", "10")
    assert cooperative.post(f"/lots/{lot['id']}/opening", by=cooperative.manager).status_code == 200
    answer = processed(cooperative, taken, **pieces, loss="19")
    refused(cooperative.post(f"/lots/{answer.json()['id']}/opening", by=cooperative.manager), 409, "inflated_lot")
    refused(processed(cooperative, taken, **(pieces | {"content": None})), 422, "invalid_input", "/content")


def test_a_lot_is_split_at_once_and_its_parts_keep_its_quality_certificate(cooperative: Cooperative) -> None:
    source = cooperative.open_lot()
    path = f"/lots/{source['id']}/splitting"
    refused(cooperative.post(path, {"unit": "jin", "parts": ["600", "401"]}), 409, "out_of_stock", "/parts/1")
    refused(cooperative.post(path, {"unit": "piece", "parts": ["1"]}), 422, "wrong_unit", "/unit")
    refused(cooperative.post(path, {"unit": "jin", "parts": []}), 422, "invalid_input", "/parts")
    first, second = cooperative.post(path, {"unit": "jin", "parts": ["600", "300"]}).json()["lots"]
    assert [(lot["quantity"], lot["origin"], lot["status"]) for lot in (first, second)] == [
        ("300", "split", "draft"),
        ("150", "split", "draft"),
    ]
    kept = (source["quality_certificate"], source["id"])
    assert all((lot["quality_certificate"], lot["certified_lot_id"]) == kept for lot in (first, second))
    assert (source["quality_certificate"] is not None, source["certified_lot_id"]) == (True, None)
    opened = cooperative.post(f"/lots/{first['id']}/opening", by=cooperative.manager).json()
    assert opened["status"] == "open"
    (smaller,) = cooperative.post(f"/lots/{first['id']}/splitting", {"unit": "jin", "parts": ["2"]}).json()["lots"]
    assert (smaller["quality_certificate"], smaller["certified_lot_id"]) == kept, "of the lot that it was issued for"
    attaching = f"/lots/{second['id']}/quality-certificate"
    refused(cooperative.post(attaching, {"number": kept[0]}), 409, "reused_quality_certificate", "/number")
    own = cooperative.post(attaching, {"number": "HGZ-2"}).json()
    assert (own["quality_certificate"], own["certified_lot_id"]) == ("HGZ-2", None)


def test_what_is_repacked_from_a_part_needs_a_quality_certificate_of_its_own(cooperative: Cooperative) -> None:
    source = cooperative.open_lot()
    (part,) = cooperative.post(f"/lots/{source['id']}/splitting", {"unit": "jin", "parts": ["600"]}).json()["lots"]
    cooperative.post(f"/lots/{part['id']}/opening", by=cooperative.manager)
    repacked = cooperative.post(f"/lots/{part['id']}/repacking", {"unit": "jin", "quantity": "600"}).json()
    assert (repacked["quality_certificate"], repacked["certified_lot_id"]) == (None, None)
    opening = f"/lots/{repacked['id']}/opening"
    refused(cooperative.post(opening, by=cooperative.manager), 409, "missing_quality_certificate")


def test_lots_are_merged_and_repacked(cooperative: Cooperative) -> None:
    first, second = cooperative.open_lot(), cooperative.open_lot(quantity="200", bought_in="200")
    inputs = [{"lot_id": first["id"], "quantity": "500"}, {"lot_id": second["id"], "quantity": "200"}]
    merged = cooperative.post("/lots/merging", {"unit": "jin", "inputs": inputs}).json()
    assert (merged["quantity"], merged["origin"]) == ("350", "merged")
    refused(cooperative.post("/lots/merging", {"unit": "jin", "inputs": inputs[:1]}), 422, "invalid_input", "/inputs")
    path = f"/lots/{first['id']}/repacking"
    repacked = cooperative.post(path, {"unit": "jin", "quantity": "500", "loss": "2"}).json()
    assert (repacked["quantity"], repacked["loss"], repacked["origin"]) == ("249", "1", "repacked")
    refused(cooperative.post(path, {"unit": "jin", "quantity": "1"}), 409, "out_of_stock", "/quantity")


def test_nobody_else_makes_lots_of_ones_own(session: orm.Session, cooperative: Cooperative) -> None:
    lot = cooperative.open_lot()
    stranger = factories.member(session, factories.organisation(session), Role.SUPPLIER_MANAGER)
    inputs = [{"lot_id": lot["id"], "quantity": "1"}, {"lot_id": str(uuid4()), "quantity": "1"}]
    for path, body, pointer in (
        (f"/lots/{lot['id']}/splitting", {"unit": "jin", "parts": ["1"]}, None),
        (f"/lots/{lot['id']}/repacking", {"unit": "jin", "quantity": "1"}, None),
        ("/lots/merging", {"unit": "jin", "inputs": inputs}, "/inputs/0/lot_id"),
    ):
        refused(cooperative.post(path, body, by=stranger), 404, "not_found", pointer)
