#!/usr/bin/env bash
# Runs every fuzz target of the module for the time given (10s), one by one.
set -euo pipefail
cd "$(dirname "$0")/../.."

time=${1:-10s}
targets=$(grep -rE --include='*_test.go' -o '^func Fuzz[A-Za-z0-9_]*' agent backup platform ipc packaging | sort)
while IFS=: read -r file func; do
  name=${func#func }
  echo "== $name in $(dirname "$file"), $time"
  go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "./$(dirname "$file")"
done <<<"$targets"
