"""The statement of a settlement as pages of A4, on its side; a page as long as its orders fit."""

import json
from pathlib import Path
from typing import Literal

import typst

from market.money import yuan
from market.settlements.statement import Statement
from market.settlements.statement_words import COLUMNS, TITLE, figures, particulars

PDF = "application/pdf"
TEMPLATE = Path(__file__).with_suffix(".typ")
FONTS = Path(__file__).parent.parent / "static" / "fonts"


def statement_page(found: Statement) -> bytes:
    """Return the pages as PDF."""
    return rendered(found, "pdf")


def rendered(found: Statement, form: Literal["pdf", "svg"]) -> bytes:
    """Return the pages in a format that typst writes."""
    content = {
        "title": TITLE,
        "particulars": particulars(found),
        "columns": ["订单号", "采购方", *(column.title for column in COLUMNS)],
        "rows": [[number, buyer, *map(yuan, amounts)] for number, buyer, amounts in figures(found)],
        "notes": [f"{column.title}:{column.counts}" for column in COLUMNS],
    }
    made: object = typst.compile(
        TEMPLATE,
        format=form,
        font_paths=[FONTS],
        ignore_system_fonts=True,
        sys_inputs={"statement": json.dumps(content, ensure_ascii=False)},
    )
    # Several pages come as a list, one page as it is.
    return b"".join(made) if isinstance(made, list) else bytes(made)  # type: ignore[call-overload]
