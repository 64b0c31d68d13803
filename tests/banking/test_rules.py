"""Which accounts the cash book knows."""

from market.banking.rules import AccountPurpose


def test_the_book_has_what_moves_in_custody_and_at_the_provider() -> None:
    assert {purpose for purpose in AccountPurpose if purpose.is_in_book} == {
        AccountPurpose.CUSTODY,
        AccountPurpose.PROVIDER,
    }
