"""Sensors: they wait for a backup that something else started."""
