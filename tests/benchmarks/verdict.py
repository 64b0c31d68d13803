"""What a measurement comes to, and whether that is enough."""

from dataclasses import dataclass


def limit(sql: float, http: float) -> float:
    """Return the rate of a path that did nothing but its SQL and then its HTTP."""
    return 1 / (1 / sql + 1 / http)


@dataclass(frozen=True)
class Verdict:
    """A ratio beside the least it is to be, or the most."""

    ratio: float
    aim: float
    at_most: bool = False

    @property
    def reached(self) -> bool:
        """Tell whether the aim is reached."""
        return self.ratio <= self.aim if self.at_most else self.ratio >= self.aim

    def cells(self) -> tuple[str, str, str]:
        """Return what a table shows."""
        return (
            f"{self.ratio:.2f}",
            f"{'≤' if self.at_most else '≥'} {self.aim:.2f}",
            "reached" if self.reached else "MISSED",
        )
