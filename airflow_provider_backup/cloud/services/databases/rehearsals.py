"""How the instances of rehearsals are told from others; loads no models."""

from __future__ import annotations

REHEARSAL_PREFIX = "rehearsal-"
"""Names of instances that rehearsals of restores create begin with it; it confirms the deletion of such instances."""
