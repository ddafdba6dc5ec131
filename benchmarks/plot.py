"""The plot: what waiting costs as the number of jobs grows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.figure import Figure

_PANELS = (
    ("requests", "requests"),
    ("cpu_seconds", "CPU, s"),
    ("memory_mb", "memory above start, MB"),
    ("peak_sockets", "open sockets at most"),
)
_STYLES = {"ours": ("o-", 2.5), "bare list": ("s--", 1.5)}


def draw(rows: Sequence[Mapping[str, Any]], file: Path) -> None:
    """Write the plot.

    :param rows: figures of runs without TLS, of one service.
    :param file: an SVG.
    """
    # So that the same figures make the same file.
    mpl.rcParams.update({"svg.hashsalt": "benchmarks", "svg.fonttype": "none", "font.size": 9})
    figure = Figure(figsize=(9, 6), layout="constrained")
    axes = figure.subplots(2, 2).flatten()
    names = list(dict.fromkeys(row["contender"] for row in rows))
    for axis, (key, title) in zip(axes, _PANELS, strict=True):
        for name in names:
            points = sorted((row["jobs"], row[key]) for row in rows if row["contender"] == name)
            style, width = _STYLES.get(name, (".-", 1.0))
            axis.plot([x for x, _ in points], [max(y, 0.01) for _, y in points], style, linewidth=width, label=name)
        axis.set(xscale="log", yscale="log", title=title, xlabel="jobs that are waited for")
        axis.grid(visible=True, which="major", alpha=0.3)
    if names:
        axes[0].legend(fontsize=8)
    figure.savefig(file, metadata={"Date": None})
