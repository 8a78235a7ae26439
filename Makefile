# Short names for what is done often. Needs an environment with `pip install -e '.[dev]'`.
.PHONY: check format test rules samples golden ci full

check: ; ruff check . && ruff format --check . && mypy
format: ; ruff check --fix . && ruff format .
test: ; pytest
rules: ; loglens rules check && loglens rules test
samples: ; python sample_logs/make.py && python sample_logs/make.py --table
golden: ; pytest --update-golden
ci: ; .ci/run
full: ; .ci/full
