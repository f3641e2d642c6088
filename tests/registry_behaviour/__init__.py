"""How every store of the registry has to behave; each tier of tests brings the `store`.

A test module imports these functions and gives the fixtures `store` and, for tables, `table`.
"""

import pytest

_MODULES = ("commits", "planted", "refusing", "registering", "releasing", "requesting", "telling")
pytest.register_assert_rewrite(*(f"{__name__}.{name}" for name in _MODULES))
