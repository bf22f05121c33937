"""The settings of a next release that needs a column more; only the rehearsal uses them."""

from chameleon.settings import *  # noqa: F403
from chameleon.settings import INSTALLED_APPS as OURS

INSTALLED_APPS = [*OURS, "bench.rehearsal.next_release"]
