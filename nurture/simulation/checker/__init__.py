"""An independent judge of what left: it reads deliveries and documents as plain data and does all arithmetic of the rules again.

It imports nothing of nurture, so that a mistake of the engine cannot hide in it. `check` returns every broken rule.
"""

from nurture.simulation.checker.judging import Violation, check

__all__ = ["Violation", "check"]
