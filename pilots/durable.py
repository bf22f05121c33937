"""What does it take for a file to outlive the machine's going down?"""

import os
from pathlib import Path


def keep_names(folder: Path) -> None:
    """The names of its files are on the disk only once the folder is."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
