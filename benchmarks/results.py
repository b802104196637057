"""The figures of one run, and whether they reach the goals."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from statistics import median
from typing import Any

__all__ = ["Row", "Run"]


@dataclass(slots=True)
class Row:
    """One operation: the figures of every round by server, in the order of the rounds.

    `unit` is `/s` (more is better; `goal` is the least ratio of the medians) or `MB` (less is
    better; `goal` is how many MB more than the reference are allowed). `client_share` is the
    part of one processor core that the load generator needed, at most.
    """

    name: str
    unit: str
    goal: float
    figures: dict[str, list[float]] = field(default_factory=dict)
    client_share: float | None = None
    problem: str | None = None

    def add(self, label: str, figure: float) -> None:
        self.figures.setdefault(label, []).append(figure)

    def note_client(self, share: float) -> None:
        self.client_share = max(share, self.client_share or 0.0)

    def median(self, label: str) -> float | None:
        """The median of the rounds, or None when the server was not measured."""
        figures = self.figures.get(label)
        return median(figures) if figures else None

    def spread(self, label: str) -> float:
        """How far apart the rounds lie: (most - least) / median."""
        figures = self.figures[label]
        return (max(figures) - min(figures)) / median(figures)

    def ratio(self, ours: str, reference: str) -> float | None:
        """Ratio of the medians, ours to the reference."""
        mine, other = self.median(ours), self.median(reference)
        return None if mine is None or not other else mine / other

    def reached(self, ours: str, reference: str) -> bool | None:
        """Whether the goal is reached; None when one of both is missing."""
        mine, other = self.median(ours), self.median(reference)
        if self.problem or mine is None or other is None:
            return None
        return mine <= other + self.goal if self.unit == "MB" else mine >= other * self.goal

    def goal_text(self) -> str:
        return f"≤ +{self.goal:.0f} MB" if self.unit == "MB" else f"≥ {self.goal:g}×"


@dataclass(slots=True)
class Run:
    """Everything of one run; `ours` is compared with `reference`, which may be missing.

    `scale` is the label of a third program that is measured in some rows, for scale only.
    """

    machine: dict[str, str]
    versions: dict[str, str]
    ours: str
    reference: str | None
    settings: dict[str, Any]
    scale: str | None = None
    rows: list[Row] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values, with medians and ratios beside the figures."""
        rows = []
        for row in self.rows:
            plain = asdict(row)
            plain["medians"] = {label: row.median(label) for label in row.figures}
            if self.reference is not None:
                plain["ratio"] = row.ratio(self.ours, self.reference)
                plain["reached"] = row.reached(self.ours, self.reference)
            rows.append(plain)
        return {**asdict(self), "rows": rows}
