"""Thin commands, one file each: parse, call a room, print. No logic."""
