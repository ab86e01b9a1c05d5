"""The icons: strokes on a field of 16 by 16, drawn for this site."""

from collections.abc import Mapping

_DISC = '<circle cx="8" cy="8" r="6.2"/>'

ICONS: Mapping[str, str] = {
    "requests": '<path d="M2 9.2l2.2-6h7.6l2.2 6v4H2zM2 9.2h3.4l.9 1.8h3.4l.9-1.8H14"/>',
    "log": (
        '<path d="M3 2.5h8.6A1.4 1.4 0 0 1 13 3.9v9.6H4.4A1.4 1.4 0 0 1 3 12.1z'
        'M6 2.5v11M8.2 5.7h2.6M8.2 8.1h2.6"/>'
    ),
    "people": (
        '<circle cx="6" cy="5.4" r="2.3"/><path d="M1.8 13c.3-2.7 2-4 4.2-4s3.9 1.3 4.2 4'
        'M10.6 3.3a2.2 2.2 0 0 1 0 4.2M12 9.5c1.3.5 2 1.7 2.2 3.5"/>'
    ),
    "settings": (
        '<path d="M2.5 4.5h6M11.5 4.5h2M2.5 11.5h2M7.5 11.5h6"/>'
        '<circle cx="10" cy="4.5" r="1.5"/><circle cx="6" cy="11.5" r="1.5"/>'
    ),
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "search": '<circle cx="7" cy="7" r="4.6"/><path d="M10.4 10.4L14 14"/>',
    "close": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "fail": f'{_DISC}<path d="M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4"/>',
    "good": '<path d="M3 8.5l3.2 3.2L13 4.8"/>',
    "skip": f'{_DISC}<path d="M5 8h6"/>',
    "wait": f'{_DISC}<path d="M8 4.6V8l2.4 1.6"/>',
    "held": f'{_DISC}<path d="M6.4 5.8v4.4M9.6 5.8v4.4"/>',
    "up": '<path d="M4 10l4-4 4 4"/>',
    "down": '<path d="M4 6l4 4 4-4"/>',
    "link": (
        '<path d="M6.6 9.4a2.6 2.6 0 0 0 3.7 0l2.3-2.3a2.6 2.6 0 0 0-3.7-3.7l-.7.7'
        'M9.4 6.6a2.6 2.6 0 0 0-3.7 0L3.4 8.9a2.6 2.6 0 0 0 3.7 3.7l.7-.7"/>'
    ),
    "download": '<path d="M8 2.5v7.6M4.8 7.2L8 10.4l3.2-3.2M2.8 13.4h10.4"/>',
    "out": '<path d="M3.5 12.5L12 4M6 4h6v6"/>',
    "in": '<path d="M13 3L4.5 11.5M4.5 5.5v6h6"/>',
    "warn": '<path d="M8 2.2l6.3 11.2H1.7zM8 6.4v3.2M8 11.6v.1"/>',
    "shield": '<path d="M8 1.9l5 1.8v4c0 3-2 5.2-5 6.4-3-1.2-5-3.4-5-6.4v-4z"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
}
