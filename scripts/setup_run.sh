#!/bin/sh
# Makes .venv with Deskpost and the packages that requirements/run.txt pins; does nothing when that
# is done already. Usage: setup_run.sh, or `setup_run.sh dev` for the packages of the tests too.
set -eu
cd "$(dirname "$0")/.."

# Prints the first Python that will do: 3.11 or later, and able to make environments.
# Returns 1 if there is none, 2 if one is there but for its venv module.
find_python() {
    found=1
    for name in python3 python3.13 python3.12 python3.11; do
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        found=2
        # Debian has venv without python3-venv, but not ensurepip, which puts pip into it.
        "$name" -c 'import ensurepip, venv' 2>/dev/null || continue
        echo "$name"
        return
    done
    return $found
}

# Sets $python, or says what is missing and ends.
find_tools() {
    missing=
    for name in git make; do
        command -v "$name" >/dev/null 2>&1 || missing="$missing $name"
    done
    python=$(find_python) || case $? in
        2) missing="$missing python3-venv" ;;
        *) missing="$missing python3 (3.11 or later)" ;;
    esac
    [ -n "$missing" ] || return 0
    echo "Deskpost needs: git make python3 (3.11 or later) python3-venv. Missing:$missing." \
        "On Debian or Ubuntu: apt-get install git make python3 python3-venv" >&2
    exit 1
}

# Prints what .venv must have been made from: Python, the folder (scripts in .venv name it), what
# the project declares, and the pins of $1. Fails if the Python in .venv does not run.
state_of() {
    .venv/bin/python -c 'import sys; print(sys.version, sys.base_prefix)' 2>/dev/null || return 1
    pwd -P
    cat pyproject.toml "requirements/$1.txt"
}

is_current() {
    [ ! -e .venv/unfinished ] && state_of "$1" | cmp -s - ".venv/$1.stamp"
}

# Says whether the packages in .venv can be built upon. Not so if an earlier run was cut off, which
# may have left half a package; if its Python is gone; or if the folder has been moved since.
is_sound() {
    [ ! -e .venv/unfinished ] || return 1
    [ ! -e .venv/folder ] || [ "$(cat .venv/folder)" = "$(pwd -P)" ] || return 1
    .venv/bin/python -m pip --version >/dev/null 2>&1
}

make_venv() {
    if ! is_sound; then
        rm -rf .venv
        mkdir .venv
        : >.venv/unfinished
        "$python" -m venv .venv
    fi
    : >.venv/unfinished
    pwd -P >.venv/folder
}

pip_install() {
    .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --no-input "$@"
}

# The stamp is written last and in one step: one that is there is true.
write_stamp() {
    state_of "$1" >".venv/$1.stamp.new"
    mv ".venv/$1.stamp.new" ".venv/$1.stamp"
}

pins=${1:-run}
! is_current "$pins" || exit 0
find_tools
if [ "$pins" = run ]; then
    echo "Installing Deskpost's packages into .venv (first time only)…"
else
    echo "Installing Deskpost's packages and those of its tests into .venv (first time only)…"
fi
make_venv
pip_install --require-hashes --requirement "requirements/$pins.txt"
pip_install --no-deps --no-build-isolation --editable .
rm .venv/unfinished
write_stamp run # the pins of the tests hold those of the run
[ "$pins" = run ] || write_stamp "$pins"
