"""How long did it take, over any number of times, in memory that does not grow?"""

import math

LEAST_SECONDS = 0.0001
MOST_SECONDS = 1000.0
# Each bucket reaches two per cent further than the one before. A time is read as the middle of its bucket, so what is
# said of it is off by one per cent at most; what lies outside counts as the least, or the most, there is.
GROWTH = 1.02
ERROR = math.sqrt(GROWTH) - 1
_BUCKETS = math.ceil(math.log(MOST_SECONDS / LEAST_SECONDS, GROWTH)) + 1


class Histogram:
    """Counts times by buckets of equal relative width."""

    def __init__(self) -> None:
        self._counts = [0] * _BUCKETS
        self.count = 0
        self.most = 0.0

    def add(self, seconds: float) -> None:
        bounded = min(max(seconds, LEAST_SECONDS), MOST_SECONDS)
        self._counts[min(int(math.log(bounded / LEAST_SECONDS, GROWTH)), _BUCKETS - 1)] += 1
        self.count += 1
        self.most = max(self.most, seconds)

    def quantile(self, share: float) -> float | None:
        """The seconds within which this share (0 to 1) of the times lie; None where there are none."""
        wanted, passed = math.ceil(share * self.count), 0
        for number, count in enumerate(self._counts):
            passed += count
            if count and passed >= wanted:
                return min(LEAST_SECONDS * math.pow(GROWTH, number + 0.5), self.most)
        return None
