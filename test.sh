#!/usr/bin/env bash
# Sets up, builds and runs every test. Closes with "N passed, N failed, N skipped" and fails when
# a test failed or none ran. Environment: see scripts/setup.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

scripts/setup.sh

# Tests run side by side; each on one thread keeps them from fighting over the cores.
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}
rm -f build/meson-logs/testlog.json
.venv/bin/meson test -C build --no-rebuild --print-errorlogs || true
.venv/bin/python scripts/summarise_tests.py build/meson-logs/testlog.json
