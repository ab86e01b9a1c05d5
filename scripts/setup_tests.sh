#!/bin/sh
# Makes ready for the tests: .venv with their packages and, on Debian or Ubuntu, the servers and the
# browser that they start. Usage: setup_tests.sh, or `setup_tests.sh --packages-only`, or
# `setup_tests.sh --fuzz` for the packages and the fuzzer.
set -eu
cd "$(dirname "$0")/.."

PARTS="postgresql postfix dovecot-imapd dovecot-lmtpd dovecot-pop3d chromium fonts-noto-core fonts-noto-cjk gettext swaks"
POLICY=/usr/sbin/policy-rc.d

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}

can_be_root() {
    as_root true 2>/dev/null
}

is_installed() {
    [ "$(dpkg-query --show --showformat='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Prints those of its arguments that are not installed.
not_installed() {
    for name; do
        is_installed "$name" || printf ' %s' "$name"
    done
}

# Prints those of its arguments that apt-get can install: Ubuntu, for one, has no chromium.
on_offer() {
    for name; do
        apt-cache show "$name" >/dev/null 2>&1 && printf ' %s' "$name"
    done
    return 0
}

# The tests start servers of their own: those that come with the packages stay off, now (a policy
# while they are installed, unless this machine has one) and later (a Postfix without configuration).
hold_services() {
    if [ ! -e "$POLICY" ]; then
        trap 'as_root rm -f "$POLICY"' EXIT
        trap 'exit 130' INT TERM HUP
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$POLICY" >/dev/null
        as_root chmod 755 "$POLICY"
    fi
    is_installed postfix ||
        echo "postfix postfix/main_mailer_type select No configuration" | as_root debconf-set-selections
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq "$@" >/dev/null
}

install_parts() {
    apt_get update || return 0
    wanted=$(on_offer "$@")
    [ -n "$wanted" ] || return 0
    hold_services
    # shellcheck disable=SC2086 # names of packages, one word each
    apt_get install --yes --no-install-recommends $wanted || true
}

# It comes as a wheel for some systems; elsewhere it would want a whole compiler.
install_fuzzer() {
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --no-input \
        --only-binary atheris --require-hashes --requirement requirements/fuzz.txt && return 0
    echo "make fuzz needs atheris, which could not be installed: not every system and not every" \
        "version of Python has a wheel of it." >&2
    exit 1
}

scripts/setup_run.sh dev
case ${1:-} in
    --packages-only) exit 0 ;;
    --fuzz)
        install_fuzzer
        exit 0
        ;;
esac

if ! command -v dpkg-query >/dev/null; then
    echo "The tests want these, by Debian's names, and leave out what they do not find: $PARTS"
    exit 0
fi
# shellcheck disable=SC2046,SC2086 # names of packages, one word each
missing=$(not_installed $PARTS)
if [ -n "$missing" ] && can_be_root; then
    echo "Installing for the tests:$missing"
    # shellcheck disable=SC2086
    install_parts $missing
    # shellcheck disable=SC2086
    missing=$(not_installed $missing)
fi
[ -z "$missing" ] || echo "Not installed, so their tests are left out:$missing (apt-get install$missing)"
