"""Eyespot: the open, self-hosted platform for software-defined cameras."""

__version__ = "0.1.0"
