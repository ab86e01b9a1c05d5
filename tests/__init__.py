"""Tests of Deskpost; the folders mirror the package."""
