"""`python -m market`."""

from market.cli import main

if __name__ == "__main__":
    main()
