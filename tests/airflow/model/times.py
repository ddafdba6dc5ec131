"""Times of the model, in seconds where nothing else is said."""

from __future__ import annotations

from datetime import timedelta

LONG = 3600.0
SHORT = 0.12
"""A time that ends while the model runs."""

MEANWHILE = 0.004
"""After this operations are over that end in the middle of an attempt, which takes some 0.01."""

A_MOMENT = 0.06
"""How long a triggerer lives when nothing can come of its trigger."""

HANG = 20.0
"""After this a trigger whose operation is over counts as one that hangs."""

ROUNDING = 1.0
"""Databases report times without fractions."""

CLOCKS_DIFFER = 0.01
"""By how much one clock of this machine may go before another."""

LONG_AGO = timedelta(days=7)
