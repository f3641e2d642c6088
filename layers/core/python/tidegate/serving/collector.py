"""Python's garbage collector: off while a container starts, then blind to what the start made.

Imports make a hundred thousand objects that stay, and each full collection looks at all of them.
To be imported before numpy; importing it anywhere but in Lambda changes nothing.
"""

from __future__ import annotations

import gc
import os

if "LAMBDA_TASK_ROOT" in os.environ:
    gc.disable()


def resume() -> None:
    """Collect again, but only what is made from now on."""
    gc.freeze()
    gc.enable()
