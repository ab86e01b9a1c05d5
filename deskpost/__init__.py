"""Deskpost: a self-hosted service desk whose email can be accounted for. Start at journey.py."""

__version__ = "0.1.0"
