"""Clean: the sweep that leads every cleanup on - draw, judge, move, take in, close - and starting, stopping and reading one.

Every step is a chunk in a transaction of its own that asks first what is done already: killed at any moment, the next sweep goes on.
"""

from nurture.services.cleaning.cleaned import Cleaned
from nurture.services.cleaning.reading import Line, Sheet, list_cleanups, result
from nurture.services.cleaning.rehearsing import Preflight, preflight
from nurture.services.cleaning.starting import begin, cancel
from nurture.services.cleaning.sweeping import clean

__all__ = ["Cleaned", "Line", "Preflight", "Sheet", "begin", "cancel", "clean", "list_cleanups", "preflight", "result"]
