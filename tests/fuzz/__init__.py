"""Fuzzing of everything that reads what strangers send.

`make fuzz` lets atheris (libFuzzer) look for bytes that break a promise of `targets`.
"""
