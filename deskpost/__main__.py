"""The `deskpost` command."""

import os
import sys


def main() -> None:
    """Run a command; `deskpost` alone lists them."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "deskpost.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(["deskpost", *sys.argv[1:]])


if __name__ == "__main__":
    main()
