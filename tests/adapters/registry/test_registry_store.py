"""Every store of the registry behaves alike: in memory and in an emulated table."""

from __future__ import annotations

from tests.registry_behaviour.commits import *  # noqa: F403 - its tests
from tests.registry_behaviour.planted import *  # noqa: F403 - its tests
from tests.registry_behaviour.refusing import *  # noqa: F403 - its tests
from tests.registry_behaviour.registering import *  # noqa: F403 - its tests
from tests.registry_behaviour.releasing import *  # noqa: F403 - its tests
from tests.registry_behaviour.requesting import *  # noqa: F403 - its tests
from tests.registry_behaviour.telling import *  # noqa: F403 - its tests
