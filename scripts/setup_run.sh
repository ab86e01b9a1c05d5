#!/bin/sh
# Makes .venv with Deskpost and the packages that requirements/run.txt pins.
# Does nothing when that is done already. Usage: setup_run.sh
set -eu
cd "$(dirname "$0")/.."
. scripts/venv.sh

stop_unless_tools_exist
install_pins run "Installing Deskpost's packages into .venv (first time only)…"
