"""The composition root: builds the parts from the settings, starts and stops them."""

from hornburg.server.control import Control
from hornburg.server.opening import open_archive

__all__ = ["Control", "open_archive"]
