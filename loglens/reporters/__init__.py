"""Ways to write a report down."""
