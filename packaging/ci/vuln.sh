#!/usr/bin/env bash
# Runs govulncheck (the program given) over the module. A known vulnerability
# that the code reaches fails; a database that does not answer is said loudly
# and does not, so that working without a network stays possible.
set -euo pipefail
cd "$(dirname "$0")/../.."

out=$(mktemp)
trap 'rm -f "$out"' EXIT

status=0
"$1" ./... >"$out" 2>&1 || status=$?
if ((status != 0 && status != 3)) && grep -qE 'fetching vulnerabilities|vuln\.go\.dev' "$out"; then
  cat <<EOF
############################################################################
govulncheck: not checked (its database cannot be reached)
############################################################################
EOF
  exit 0
fi
cat "$out"
exit "$status"
