"""Parts of addresses that Django's own converters cannot take."""


class Anything:
    """Any text, slashes and line breaks too: an email address may be malformed in every way."""

    regex = r"[\s\S]+"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: object) -> str:
        return str(value)
