#!/bin/sh
# Collects every translatable string of the package into locale/ja and compiles it. Untranslated
# ones are named and make it fail. Needs gettext. Usage: words.sh
set -eu
cd "$(dirname "$0")/../deskpost"

PYTHON=${PYTHON:-../.venv/bin/python}
CATALOGUE=locale/ja/LC_MESSAGES/django
HEADER='msgid ""
msgstr ""
"Project-Id-Version: Deskpost\\n"
"Language: ja\\n"
"MIME-Version: 1.0\\n"
"Content-Type: text/plain; charset=UTF-8\\n"
"Content-Transfer-Encoding: 8bit\\n"
"Plural-Forms: nplurals=1; plural=0;\\n"
'

for program in xgettext msgmerge msgattrib msgfmt; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed: apt-get install gettext" >&2
        exit 1
    }
done

# The header is always the one above: makemessages would put the time of each run into it. A guess
# from a similar string (a fuzzy entry) is thrown away rather than shown to people.
with_our_header() {
    printf '%s\n' "$HEADER"
    msgattrib --no-wrap --no-fuzzy --no-obsolete "$1" | sed '1,/^$/d'
}

mkdir -p "$(dirname "$CATALOGUE")"
[ -s "$CATALOGUE.po" ] || printf '%s\n' "$HEADER" >"$CATALOGUE.po"
"$PYTHON" -m django makemessages --locale ja --no-location --no-obsolete --no-wrap --verbosity 0
