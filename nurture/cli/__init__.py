"""The command line. Each group of commands is a file of its own with `register(app)`; heavy imports happen inside the commands."""

from nurture.cli.session import main

__all__ = ["main"]
