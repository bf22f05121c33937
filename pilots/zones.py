"""Which time zones there are."""

from functools import cache
from zoneinfo import available_timezones

# In the database of zones, but no place where anybody is; browsers do not know them.
_NOWHERE = {"Factory", "localtime", "posixrules"}
_REGIONS = ("Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific")


@cache
def _known() -> frozenset[str]:
    return frozenset(available_timezones() - _NOWHERE)


def is_known(name: str) -> bool:
    return name in _known()


@cache
def by_region() -> dict[str, list[str]]:
    """Those that are offered: places, by the part of the world they are in."""
    return {region: sorted(name for name in _known() if name.startswith(f"{region}/")) for region in _REGIONS}
