"""What may go wrong on the way out: either it never gets better, or it is worth another try."""


class Undeliverable(Exception):
    """Give up: what was addressed is gone, or refuses for good. The text says so to whoever set it up."""


class TryLater(Exception):
    """Not now. `after` is how many seconds the receiver asked to be left alone; None where it did not say."""

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after
