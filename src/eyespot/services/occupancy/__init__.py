"""Occupancy: how many people and vehicles are in view and in named parts of it."""
