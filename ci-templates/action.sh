#!/usr/bin/env bash
# What the GitHub action does once loglens is installed. Inputs come as variables: no text of theirs is ever run.
set -uo pipefail

lines() { # the lines of a text that are not empty, into the array `found`
    found=()
    while IFS= read -r line || [ -n "$line" ]; do
        line=${line%$'\r'}
        [ -n "${line// /}" ] && found+=("$line")
    done <<<"$1"
}

arguments=(--format github --fail-on "${ACTION_FAIL_ON:-error}" --min-runs "${ACTION_MIN_RUNS:-1}")
[ -n "${ACTION_REQUIRE:-}" ] && arguments+=(--require "$ACTION_REQUIRE")
[ -n "${ACTION_BASELINE:-}" ] && arguments+=(--baseline "$ACTION_BASELINE")
[ -n "${ACTION_CONFIG:-}" ] && arguments+=(--config "$ACTION_CONFIG")
[ -n "${ACTION_REPORT:-}" ] && arguments+=(-o "html:$ACTION_REPORT")
[ -n "${ACTION_SARIF:-}" ] && arguments+=(-o "sarif:$ACTION_SARIF")
json=$(mktemp)
trap 'rm -f "$json"' EXIT
arguments+=(-o "json:$json")
lines "${ACTION_ARGS:-}"
arguments+=(${found[@]+"${found[@]}"})
lines "${ACTION_PATHS:-}"
if [ ${#found[@]} = 0 ]; then
    echo "::error title=loglens::no paths given"
    exit 2
fi

loglens analyze "${arguments[@]}" -- "${found[@]}"
code=$?

python - "$json" "$code" "${ACTION_REPORT:-}" >>"${GITHUB_OUTPUT:-/dev/null}" <<'PYTHON'
import json
import sys

path, code, report = sys.argv[1:]
try:
    with open(path, encoding="utf-8") as file:
        counts = json.load(file)["summary"]
except (OSError, ValueError, KeyError):
    counts, report = {}, ""
print(f"exit-code={code}")
print(f"failed={counts.get('failed', '')}")
print(f"suspect={counts.get('suspect', '')}")
print("report=" + " ".join(report.split("\n")))
PYTHON
exit "$code"
