"""Finding and reading logs."""
