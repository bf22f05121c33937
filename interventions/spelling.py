"""How hostile text is made harmless where there is no markup: what could hide or reorder letters shows as its code."""

import re

# Characters that reorder, hide or fake text: bidi controls, zero-width ones, separators, the BOM, C0/C1 controls, and
# the tags and selectors in which a second text can be carried unseen.
INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a"
    "\U000e0000-\U000e01ef]"
)


def spelled(text: str) -> str:
    return INVISIBLE.sub(lambda match: code(match[0]), text)


def code(character: str) -> str:
    return f"U+{ord(character):04X}"
