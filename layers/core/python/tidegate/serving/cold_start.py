"""The first steps of a container, before it imports anything large.

Python's garbage collector is off while a container starts, then blind to what the start made.
Imports make a hundred thousand objects that stay, and each full collection looks at all of them.
A request of a thousand records makes thousands that are gone when it is answered: to look at them
in between, as Python does by default after every 700, took 5 % of its time.
ONNX Runtime is loaded in a thread beside the imports.
To be imported before numpy; importing it anywhere but in Lambda changes nothing.
"""

from __future__ import annotations

import gc
import os

from tidegate.scoring.ort_api import load_ahead

NEW_OBJECTS = 50_000  # that are kept, until some of them are looked at

if "LAMBDA_TASK_ROOT" in os.environ:
    gc.disable()
    load_ahead()


def resume() -> None:
    """Collect again, but only what is made from now on."""
    gc.freeze()
    gc.set_threshold(NEW_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()
