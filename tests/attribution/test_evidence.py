"""Evidence files: kept once, found again, proving one thing each, and seen by those who may."""

from contextlib import suppress
from io import BytesIO
from typing import Any
from uuid import UUID
from zlib import compress

import pytest
import sqlalchemy as sa
from PIL import Image

from market.attribution import evidence, papers
from market.attribution.models import EvidenceReading
from market.attribution.paying import UnreadablePdfError
from market.identity.rules import OrganisationKind, Role
from tests.papers import pdf
from tests.stalls import Desk, Stalls

PDF = pdf("bank receipt 20260302-01")


def picture(*, shade: int = 0, form: str = "PNG", size: int = 90, taken: str | None = None, offset: str = "") -> bytes:
    """Return a picture of a slope of greys, perhaps with the camera's note of when it was taken."""
    image = Image.new("L", (size, size))
    image.putdata([(column * 3 * 90 // size + row * shade) % 256 for row in range(size) for column in range(size)])
    exif = Image.Exif()
    if taken is not None:
        exif.get_ifd(0x8769).update({0x9003: taken} | ({0x9011: offset} if offset else {}))
    file = BytesIO()
    image.save(file, form, exif=exif.tobytes())
    return file.getvalue()


def send(desk: Desk, content: bytes, *, key: str = "", path: str = "/evidence", **params: str) -> Any:
    """Send a file as the body of a request."""
    headers = desk.bearer | {"Idempotency-Key": key or str(hash((content, path, str(params)))), "Accept-Language": "en"}
    headers["Content-Type"] = "application/octet-stream"
    return desk.client.post(f"/v1{path}", content=content, headers=headers, params=params)


def uploaded(desk: Desk, content: bytes, **params: str) -> dict[str, Any]:
    answer = send(desk, content, **params)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def proved(stalls: Stalls, *evidence_ids: str, **changed: Any) -> Any:
    return stalls.clerk.post("/disbursements", stalls.payment(1_000, **changed) | {"evidence_ids": list(evidence_ids)})


def test_a_file_is_told_by_the_hash_of_its_bytes_and_keeps_both_days_of_capture(stalls: Stalls) -> None:
    file = uploaded(stalls.clerk, picture(form="JPEG", taken="2026:03:01 10:15:00"), taken_on="2026-02-28")
    assert (file["media_type"], file["stated_on"], file["taken_at"]) == (
        "image/jpeg",
        "2026-02-28",
        "2026-03-01T02:15:00Z",
    )
    elsewhere = uploaded(stalls.clerk, picture(taken="2026:03:01 10:15:00", offset="+09:00"))
    assert (elsewhere["media_type"], elsewhere["taken_at"]) == ("image/png", "2026-03-01T01:15:00Z")
    never = ("yesterday", "0001:01:01 00:00:00", "9999:12:31 23:59:59")
    for shade, noted in enumerate(never, 1):
        assert uploaded(stalls.clerk, picture(shade=shade, taken=noted, offset="-08:00"))["taken_at"] is None
    receipt = uploaded(stalls.clerk, PDF)
    assert (receipt["media_type"], receipt["taken_at"], receipt["duplicate"]) == ("application/pdf", None, False)
    assert receipt["size"] == len(PDF)


def test_the_same_bytes_again_are_found_and_named_with_what_they_prove(stalls: Stalls) -> None:
    first = uploaded(stalls.clerk, PDF)
    assert first["use"] is None
    disbursement = proved(stalls, first["id"]).json()["id"]
    again = send(stalls.clerk, PDF, key="again").json()
    assert (again["id"], again["duplicate"]) == (first["id"], True)
    assert again["use"]["disbursement_id"] == disbursement
    assert again["use"]["organisation"] == stalls.supplier.name


def test_of_bytes_that_another_supplier_used_one_learns_that_they_were_used_and_no_more(stalls: Stalls) -> None:
    proved(stalls, uploaded(stalls.clerk, PDF)["id"])
    copied = uploaded(stalls.other_clerk, PDF)
    assert copied["duplicate"] is False
    assert {name: value for name, value in copied["use"].items() if name != "used_at"} == {
        "disbursement_id": None,
        "confirmation_id": None,
        "organisation": None,
    }
    told = stalls.auditor.get(f"/evidence/{copied['id']}").json()
    assert told["use"]["organisation"] == stalls.supplier.name


def test_a_file_proves_one_disbursement(stalls: Stalls) -> None:
    file = uploaded(stalls.clerk, PDF)
    assert proved(stalls, file["id"], file["id"]).status_code == 201
    refused = proved(stalls, file["id"])
    assert (refused.status_code, refused.json()["code"]) == (409, "evidence_used")
    assert refused.json()["errors"][0]["pointer"] == "/evidence_ids"
    assert "2026-03-02" in refused.json()["detail"]


def test_a_file_of_another_organisation_proves_nothing_of_ones_own(stalls: Stalls) -> None:
    file = uploaded(stalls.other_clerk, PDF)
    refused = proved(stalls, file["id"])
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (404, "/evidence_ids")


def test_a_receipt_that_comes_days_later_is_added_and_stays(stalls: Stalls) -> None:
    made = proved(stalls).json()["id"]
    file = uploaded(stalls.clerk, PDF)
    for _ in range(2):
        added = stalls.clerk.made(f"/disbursements/{made}/evidence", {"evidence_ids": [file["id"]]})
        assert added["evidence_ids"] == [file["id"]]
    read = stalls.county.get(f"/disbursements/{made}").json()
    assert (read["method"], read["evidence_ids"], read["countersigned_by"]) == ("bank_transfer", [file["id"]], None)
    assert stalls.other_clerk.get(f"/disbursements/{made}").status_code == 404
    foreign = stalls.other_clerk.post(f"/disbursements/{made}/evidence", {"evidence_ids": [file["id"]]})
    assert foreign.status_code == 404


def test_a_picture_saved_again_is_told_to_look_like_the_first(stalls: Stalls) -> None:
    first = uploaded(stalls.clerk, picture())
    smaller = uploaded(stalls.clerk, picture(form="JPEG", size=60))
    assert (smaller["duplicate"], smaller["look_alikes"]) == (False, [first["id"]])
    assert uploaded(stalls.clerk, picture(shade=90))["look_alikes"] == []
    assert uploaded(stalls.other_clerk, picture(form="JPEG", size=45))["look_alikes"] == []


def test_a_blank_sheet_looks_like_nothing(stalls: Stalls) -> None:
    blank = [BytesIO(), BytesIO()]
    for size, file in zip((40, 50), blank, strict=True):
        Image.new("L", (size, size), 255).save(file, "PNG")
    for file in blank:
        assert uploaded(stalls.clerk, file.getvalue())["look_alikes"] == []


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 415, "evidence_type"),
        (b"GIF89a", 415, "evidence_type"),
        (b"PK\x03\x04 a spreadsheet", 415, "evidence_type"),
        (b"\xff\xd8\xff not a picture", 422, "unreadable_picture"),
        (picture()[:-60], 422, "unreadable_picture"),
        (picture(form="JPEG")[:200], 422, "unreadable_picture"),
        (b"%PDF-1.4x", 422, "unreadable_pdf"),
        (PDF[:-120], 422, "unreadable_pdf"),
        (pdf(pages=0), 422, "unreadable_pdf"),
        (pdf(password="123456"), 422, "unreadable_pdf"),
        (b"%PDF-" + bytes(evidence.MOST_FILE_BYTES), 413, "body_too_large"),
    ],
    ids=[
        *("nothing", "a gif", "a spreadsheet", "no picture", "half a png", "half a jpeg"),
        *("a pdf by its name alone", "half a pdf", "a pdf of no page", "a pdf with a password", "too large"),
    ],
)
def test_what_nobody_could_look_at_is_no_evidence(stalls: Stalls, content: bytes, status: int, code: str) -> None:
    answer = send(stalls.clerk, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_a_small_file_that_claims_a_huge_picture_is_refused_unread(stalls: Stalls) -> None:
    huge = bytearray(picture())
    huge[16:24] = (100_000).to_bytes(4) * 2
    answer = send(stalls.clerk, bytes(huge))
    assert (answer.status_code, answer.json()["code"]) == (422, "unreadable_picture")


def around(kids: bytes) -> bytes:
    """Return a PDF whose tree of pages has these branches."""
    content, places = b"%PDF-1.4\n", []
    for number, body in enumerate((b"/Catalog/Pages 2 0 R", b"/Pages/Kids[" + kids + b"]", b"/Page/Parent 2 0 R"), 1):
        places.append(len(content))
        content += b"%d 0 obj<</Type%s>>endobj\n" % (number, body)
    index = b"xref\n0 4\n0000000000 65535 f \n" + b"".join(b"%010d 00000 n \n" % place for place in places)
    return content + index + b"trailer<</Root 1 0 R/Size 4>>\nstartxref\n%d\n%%%%EOF" % len(content)


def bomb() -> bytes:
    """Return a PDF whose index is small until it is unpacked."""
    packed = compress(bytes(50_000_000), 9)
    index = b"1 0 obj<</Type/XRef/Size 9/W[1 2 1]/Filter/FlateDecode/Root 1 0 R/Length %d>>stream\n" % len(packed)
    return b"%PDF-1.5\n" + index + packed + b"\nendstream endobj\nstartxref\n9\n%%EOF"


HAYSTACK = b"%PDF-1.4\n" + b"1 0 obj<<>>\n" * 200_000 + b"trailer<</Root 1 0 R/Size 9>>\nstartxref\n0\n%%EOF"
"""Its index is lost, and it is too large to be searched for its objects."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (around(b"2 0 R"), "it is broken or has no page"),
        (around(b""), "it is broken or has no page"),
        (bomb(), "it is broken or has no page"),
        (b"%PDF-1.4\n1 0 obj" + b"[" * 100_000 + b"trailer<<>>\nstartxref\n0\n%%EOF", "it is broken or has no page"),
        (HAYSTACK, "it takes too long to read"),
        (pdf(password=""), "it is encrypted"),
    ],
    ids=["a circle", "no leaf", "a bomb", "a well", "a haystack", "a lock without a key"],
)
def test_a_pdf_made_to_cost_much_or_to_hide_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(UnreadablePdfError, match=f"The PDF cannot be read: {reason}\\.") as refused:
        papers.check(content)
    assert refused.value.detail("zh").startswith("PDF 无法读取:")
    papers.check(around(b"3 0 R"))


def test_whatever_is_wrong_with_a_pdf_it_is_taken_or_refused_and_nothing_else() -> None:
    for place in range(0, len(PDF), 3):
        with suppress(UnreadablePdfError):
            papers.check(PDF[:place] + b"<[(9" + PDF[place + 2 :])


def test_nothing_is_captured_in_the_future(stalls: Stalls) -> None:
    answer = send(stalls.clerk, PDF, taken_on="2026-03-03")
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/query/taken_on")


def test_the_bytes_are_shown_to_who_may_see_what_they_prove_and_each_look_is_recorded(stalls: Stalls) -> None:
    content = picture()
    file = uploaded(stalls.clerk, content)["id"]
    unseen = f"/evidence/{file}/content"
    assert stalls.village.get(unseen).status_code == 404
    proved(stalls, file)
    elsewhere = stalls.official(OrganisationKind.VILLAGE_OFFICE, Role.VILLAGE_CLERK, "141122106202")
    for desk in (stalls.other_clerk, stalls.other_county, elsewhere):
        assert desk.get(unseen).status_code == 404
        assert desk.get(f"/evidence/{file}").status_code == 404
    for desk in (stalls.clerk, stalls.village, stalls.county, stalls.auditor):
        shown = desk.get(unseen)
        assert (shown.content, shown.headers["content-type"]) == (content, "image/png")
        assert (shown.headers["cache-control"], shown.headers["x-content-type-options"]) == ("no-store", "nosniff")
    looked = stalls.session.scalars(sa.select(EvidenceReading.read_by).where(EvidenceReading.evidence_id == UUID(file)))
    assert set(looked) == {desk.member.id for desk in (stalls.clerk, stalls.village, stalls.county, stalls.auditor)}


def test_the_database_itself_keeps_no_bytes_under_another_hash(stalls: Stalls) -> None:
    spoiled = sa.text(
        "INSERT INTO vault.evidence_contents"
        " VALUES (repeat('0', 64), convert_to('receipt', 'UTF8'), 7, 'application/pdf')"
    )
    with pytest.raises(sa.exc.IntegrityError, match="hash_is_of_the_bytes"), stalls.session.begin_nested():
        stalls.session.execute(spoiled)


def test_a_purchase_invoice_stands_behind_one_payment_of_the_whole_market(stalls: Stalls) -> None:
    number = "24142000000012345678"
    batch = stalls.payment(1_000, reference=number) | {"method": "purchase_invoice"}
    made = stalls.clerk.made("/disbursements", batch)
    (listed,) = stalls.clerk.get("/payments").json()["items"]
    assert (made["payments"][0]["reference"], listed["invoice_number"]) == (number, number)
    again = stalls.clerk.post("/disbursements", stalls.payment(1_000, invoice_number=number))
    assert (again.status_code, again.json()["code"]) == (409, "einvoice_taken")
    assert again.json()["errors"][0]["pointer"] == "/payments/0/invoice_number"
    twice = stalls.payment(1_000, invoice_number="24142000000012345679")
    twice["payments"] += stalls.payment(1_000, invoice_number="24142000000012345679")["payments"]
    assert stalls.clerk.post("/disbursements", twice).json()["errors"][0]["pointer"] == "/payments/1/invoice_number"


@pytest.mark.parametrize(
    ("reference", "number", "pointer"),
    [
        ("2414200000001234567", None, "/payments/0/reference"),
        ("24142000000012345678", "24142000000012345679", "/payments/0/invoice_number"),
    ],
)
def test_the_reference_of_a_payment_by_purchase_invoice_is_its_number(
    stalls: Stalls, reference: str, number: str | None, pointer: str
) -> None:
    batch = stalls.payment(1_000, reference=reference, invoice_number=number) | {"method": "purchase_invoice"}
    for path in ("/disbursements", "/disbursements?dry_run=true"):
        answer = stalls.clerk.post(path, batch)
        assert (answer.json()["code"], answer.json()["errors"][0]["pointer"]) == ("einvoice_number", pointer)


def test_cash_is_not_recorded_by_one_person_alone(stalls: Stalls) -> None:
    batch = stalls.payment(1_000) | {"method": "cash"}
    for path in ("/disbursements", "/disbursements?dry_run=true"):
        answer = stalls.clerk.post(path, batch)
        assert (answer.status_code, answer.json()["code"]) == (422, "cash_needs_witness")
