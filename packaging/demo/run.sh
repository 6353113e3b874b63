#!/usr/bin/env bash
# Builds and runs the demo: one departure on a throw-away account, on buses of
# its own. PHOTOS=/a/folder adds a copy of one's own pictures to the account.
set -euo pipefail
cd "$(dirname "$0")/../.."

bin=$PWD/.cache/demo
mkdir -p "$bin"
CGO_ENABLED=0 go build -o "$bin/" ./ipc/clearance ./packaging/demo ./packaging/demo/compare ./packaging/demo/receipt-check ./packaging/stage/relay ./platform/devicesim
go build -o "$bin/" ./agent/clearanced

as_root=()
if (( EUID != 0 )); then
  if ! command -v sudo >/dev/null; then
    echo "make demo: the simulated phone's Find My Device runs as root: run it as root, or install sudo" >&2
    exit 1
  fi
  as_root=(sudo)
fi
exec "${as_root[@]}" "$bin/demo" -bin "$bin" -photos "${PHOTOS:-}"
