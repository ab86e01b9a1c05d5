#!/bin/sh
# Collects the words of the package's code and templates into locale/ja and compiles them. Fails if
# one of them has no Japanese yet, and names it. Needs gettext.
set -eu
cd "$(dirname "$0")/../deskpost"

CATALOGUE=locale/ja/LC_MESSAGES/django

for program in xgettext msgmerge msgattrib msgfmt; do
    command -v "$program" >/dev/null || {
        echo "$program is not installed: apt-get install gettext" >&2
        exit 1
    }
done

work=$(mktemp -d)
trap 'rm -rf "$work" locale/django.pot' EXIT
trap 'exit 130' INT TERM HUP

# The header is always this one: makemessages would write the time of each run into it.
cat >"$work/head" <<'END'
# Deskpost's words in Japanese; the English is in the code. After a change: make words.
msgid ""
msgstr ""
"Project-Id-Version: Deskpost\n"
"Language: ja\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=UTF-8\n"
"Content-Transfer-Encoding: 8bit\n"
"Plural-Forms: nplurals=1; plural=0;\n"

END

mkdir -p "$(dirname "$CATALOGUE")"
[ -s "$CATALOGUE.po" ] || cp "$work/head" "$CATALOGUE.po"
cp "$CATALOGUE.po" "$work/before.po"
../.venv/bin/python -m django makemessages --locale ja --no-location --no-obsolete --keep-pot \
    --verbosity 0

# makemessages would guess from similar strings ("fuzzy"); what nobody has translated stays empty.
msgmerge --quiet --no-fuzzy-matching --no-wrap --output-file="$work/merged.po" \
    "$work/before.po" locale/django.pot
{
    cat "$work/head"
    msgattrib --no-obsolete --no-wrap "$work/merged.po" | sed '1,/^$/d'
} >"$CATALOGUE.po"
msgfmt --check-format --check-domain --output-file="$CATALOGUE.mo" "$CATALOGUE.po"

missing=$(for kind in --untranslated --only-fuzzy; do
    msgattrib "$kind" --no-wrap "$CATALOGUE.po" | sed '1,/^$/d'
done)
[ -z "$missing" ] || {
    printf 'No Japanese yet in %s.po:\n\n%s\n' "deskpost/$CATALOGUE" "$missing" >&2
    exit 1
}
