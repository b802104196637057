"""``python -m hornburg``."""

from __future__ import annotations

import sys

from hornburg.cli import main

sys.exit(main())
