#!/usr/bin/env bash
# with_setup.sh COMMAND... - run a command with everything installed that it needs.
set -euo pipefail
scripts/setup.sh
exec "$@"
