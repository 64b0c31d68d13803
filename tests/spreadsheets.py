"""Workbooks that no office program writes: made to do harm to what reads them, broken, or of the old form."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

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
