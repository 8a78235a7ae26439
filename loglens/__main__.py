"""`python -m loglens`."""

from loglens.cli import main

if __name__ == "__main__":
    main()
