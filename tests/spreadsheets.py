"""Workbooks that no office program writes: made to do harm to what reads them, broken, or of the old form."""

import struct
from collections.abc import Sequence
from functools import cache
from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

from market.households.register_file import TITLES

_MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"


def sheet(*rows: str) -> str:
    """Return a sheet of these rows, each the cells that it begins with."""
    told = "".join(f"<row>{cells}</row>" for cells in rows)
    return f'<worksheet xmlns="{_MAIN}"><sheetData>{told}</sheetData></worksheet>'


def text(said: str) -> str:
    """Return a cell that says something."""
    return f'<c t="inlineStr"><is><t>{said}</t></is></c>'


def number(place: str, said: str) -> str:
    """Return a cell that holds a number, at a place like `B2`."""
    return f'<c r="{place}"><v>{said}</v></c>'


def book(*sheets: str) -> bytes:
    """Return a workbook of these sheets."""
    parts = range(1, len(sheets) + 1)
    listed = "".join(f'<sheet name="s{part}" sheetId="{part}" r:id="r{part}"/>' for part in parts)
    related = "".join(
        f'<Relationship Id="r{part}" Type="{_OFFICE}/worksheet" Target="worksheets/{part}.xml"/>' for part in parts
    )
    of_book = f'<Relationship Id="r" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/>'
    buffer = BytesIO()
    with ZipFile(buffer, "w", ZIP_DEFLATED) as packed:
        packed.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="{_TYPES}"/></Types>',
        )
        packed.writestr("_rels/.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{of_book}</Relationships>')
        packed.writestr(
            "xl/workbook.xml", f'<workbook xmlns="{_MAIN}" xmlns:r="{_OFFICE}"><sheets>{listed}</sheets></workbook>'
        )
        packed.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{_PACKAGE}/relationships">{related}</Relationships>'
        )
        for part, said in zip(parts, sheets, strict=True):
            packed.writestr(f"xl/worksheets/{part}.xml", said)
    return buffer.getvalue()


def reaching(place: str) -> bytes:
    """Return a workbook that says something in its first cell and at a place like `B2`, and nothing between."""
    return book(sheet(number("A1", "1"), number(place, "1")))


FAR = reaching("XFD1048576")
"""The last cell that there can be: half a terabyte of cells, as a parser lays them out."""


TOO_LARGE = {"17 billion cells", "20 million letters"}


@cache
def hostile() -> dict[str, bytes]:
    """Return files by what is wrong with them."""
    plain = book(sheet(text("plain")))
    return {
        "17 billion cells": FAR,
        "20 million letters": book(sheet(*[text("a" * 1_000)] * 20_000)),
        "a zip file of a later version": plain.replace(b"PK\x01\x02\x14\x03\x14", b"PK\x01\x02\x14\x03\xff"),
        "a number that is none": book(sheet("".join(map(text, TITLES.values())), number("D2", "1e999"))),
        "no cells": book(sheet()),
        "no sheets": book(),
        "half of its bytes": plain[: len(plain) // 2],
        "other bytes after the first": b"PK\x03\x04 no workbook",
        "the first bytes of the old form alone": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
    }


_SECTOR = 512
_FREE, _END, _OF_FAT, _NOBODY = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFF


def old_book(rows: Sequence[Sequence[str | int | float]]) -> bytes:
    """Return an .xls (BIFF8 in a compound file, [MS-XLS] and [MS-CFB]) of one sheet."""
    begins = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0005, 0, 0, 0, 0))
    named = _record(0x0085, struct.pack("<IHBB", len(begins) + 4 + 8 + 1 + 4, 0, 1, 0) + b"s")
    cells = [_cell(at, place, said) for at, row in enumerate(rows) for place, said in enumerate(row) if said != ""]
    sheet_begins = _record(0x0809, struct.pack("<HHHHII", 0x0600, 0x0010, 0, 0, 0, 0))
    ends = _record(0x000A, b"")
    stream = b"".join([begins, named, ends, sheet_begins, *cells, ends]).ljust(4_096, b"\0")
    sectors = -(-len(stream) // _SECTOR)
    chain = [_OF_FAT, _END, *range(3, sectors + 2), _END]
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16)
    header += struct.pack("<HHHHHHIIIIIIIIII", 0x3E, 3, 0xFFFE, 9, 6, 0, 0, 0, 1, 1, 0, 4_096, _END, 0, _END, 0)
    header += struct.pack("<109I", 0, *[_FREE] * 108)
    entries = _entry("Root Entry", 5, 1, _END, 0) + _entry("Workbook", 2, _NOBODY, 2, len(stream))
    fat = struct.pack(f"<{_SECTOR // 4}I", *chain, *[_FREE] * (_SECTOR // 4 - len(chain)))
    return header + fat + entries.ljust(_SECTOR, b"\0") + stream.ljust(sectors * _SECTOR, b"\0")


def _record(kind: int, content: bytes) -> bytes:
    return struct.pack("<HH", kind, len(content)) + content


def _cell(row: int, column: int, said: str | float) -> bytes:
    place = struct.pack("<HHH", row, column, 0)
    if isinstance(said, str):
        return _record(0x0204, place + struct.pack("<HB", len(said), 1) + said.encode("utf-16-le"))
    if isinstance(said, int):
        return _record(0x027E, place + struct.pack("<i", said << 2 | 2))
    return _record(0x0203, place + struct.pack("<d", said))


def _entry(name: str, kind: int, child: int, start: int, size: int) -> bytes:
    written = (name + "\0").encode("utf-16-le")
    head = written.ljust(64, b"\0") + struct.pack("<HBBIII", len(written), kind, 1, _NOBODY, _NOBODY, child)
    return head + bytes(36) + struct.pack("<IQ", start, size)
