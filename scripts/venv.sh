# Functions of setup_run.sh and setup_tests.sh; they run in the folder of the clone.
# shellcheck shell=sh

python=

# Sets $python to the first Python that will do: 3.11 or later, and able to make environments.
# Returns 1 if there is none, 2 if one is there but for its venv module.
find_python() {
    found=1
    for name in python3 python3.13 python3.12 python3.11; do
        command -v "$name" >/dev/null 2>&1 || continue
        "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue
        found=2
        # Debian has venv without python3-venv, but not ensurepip, which puts pip into it.
        "$name" -c 'import ensurepip, venv' 2>/dev/null || continue
        python=$name
        return 0
    done
    return $found
}

stop_unless_tools_exist() {
    missing=
    for name in git make; do
        command -v "$name" >/dev/null 2>&1 || missing="$missing $name"
    done
    if find_python; then :; elif [ $? = 2 ]; then
        missing="$missing python3-venv"
    else
        missing="$missing python3 (3.11 or later)"
    fi
    [ -z "$missing" ] && return
    echo "Deskpost needs: git make python3 (3.11 or later) python3-venv. Missing:$missing. On Debian or Ubuntu: apt-get install git make python3 python3-venv" >&2
    exit 1
}

# Prints what .venv must have been made from: Python's version, the folder's path (scripts in .venv
# name it), the project's own declaration, and the pins. Fails if .venv cannot run.
state_of() {
    .venv/bin/python -c 'import sys; print(sys.version, sys.base_prefix)' 2>/dev/null || return 1
    pwd -P
    cat pyproject.toml "requirements/$1.txt"
}

is_current() {
    [ -f ".venv/$1.stamp" ] && state_of "$1" | cmp -s - ".venv/$1.stamp"
}

pip_install() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input "$@"
}

# A folder in which an earlier run was cut off half-way may hold half a package: it starts afresh.
# So does one whose Python is gone.
make_venv() {
    if [ -e .venv/unfinished ] || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
        rm -rf .venv
        mkdir .venv
        : >.venv/unfinished
        "$python" -m venv .venv
    fi
    : >.venv/unfinished
}

# Installs requirements/$1.txt and Deskpost itself, after saying $2; nothing if that is done.
install_pins() {
    is_current "$1" && return
    echo "$2"
    make_venv
    pip_install --require-hashes --requirement "requirements/$1.txt"
    pip_install --no-deps --no-build-isolation --editable .
    rm .venv/unfinished
    # Last, and in one step: a stamp that is there is true.
    state_of "$1" >".venv/$1.stamp.new"
    mv ".venv/$1.stamp.new" ".venv/$1.stamp"
}
