"""Small PDFs for tests: whole, and broken in the ways in which they come."""

from io import BytesIO

from pypdf import PdfWriter


def pdf(says: str = "", *, pages: int = 1, password: str | None = None) -> bytes:
    """Return a PDF of blank pages, with a title by which one differs from another."""
    writer = PdfWriter()
    for _ in range(pages):
        writer.add_blank_page(width=72, height=72)
    writer.add_metadata({"/Title": says})
    if password is not None:
        writer.encrypt(password)
    buffer = BytesIO()
    writer.write(buffer)
    return buffer.getvalue()
