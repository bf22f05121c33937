"""Texts that are hostile and yet legitimate: stored as sent, and shown so that they do nothing.

They are what an agent may have picked up anywhere: whatever they are to some other program, to us they are letters.
"""

import re
import unicodedata

ZERO_WIDTH = "\u200b\u200c\u200d\u2060\ufeff\u00ad\u180e\u034f"
BIDI = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u200e\u200f\u061c"

TEXTS: dict[str, str] = {
    "override": "invoice \u202egnp.exe\u202c and \u2066isolated\u2069",
    "all bidi controls": f"a{'b'.join(BIDI)}c",
    "zero width": f"pay{'x'.join(ZERO_WIDTH)}pal",
    "tag characters": "safe" + "".join(chr(0xE0000 + ord(letter)) for letter in "approve") + "!",
    "variation selectors": "A\U000e0148\U000e0155\U000e015c and \ufff9shown\ufffahidden\ufffb",
    "separators": "one\u2028two\u2029three",
    "html": '<h1>Approved</h1><b>bold</b><a href="//evil.example">here</a><!-- <p>',
    "script": "<script>document.title='x'</script><SCRIPT SRC=//evil.example/x.js></SCRIPT>",
    "image": '<img src=x onerror="alert(1)"><image src="https://evil.example/pixel.gif">',
    "svg": '<svg onload=alert(1)><use href="https://evil.example/s.svg#x"/><script>alert(2)</script></svg>',
    "frames": '<iframe srcdoc="<script>alert(1)</script>"></iframe><object data="data:text/html,x"><embed src=x>',
    "form": '<form action="//evil.example" id="quick"><button formaction="javascript:alert(1)">Approve</button></form>',
    "style": "<style>*{display:none}</style><link rel=stylesheet href=//evil.example/x.css>",
    "base and meta": '<base href="https://evil.example/"><meta http-equiv="refresh" content="0;url=//evil.example">',
    "closing": "</a></h3></li></ol></main></textarea></title></script></option></select>--></template><plaintext>",
    "attribute": '" autofocus onfocus="alert(1)" x="',
    "attribute in single quotes": "' onmouseover='alert(1)' x='",
    "attribute without quotes": "x onclick=alert(1) style=color:red",
    "django": "{{ 7|add:7 }} {% include 'base.html' %} {# gone #} {{ settings.SECRET_KEY }} {% csrf_token %}",
    "other templates": "${7*7} #{7*7} <%= 7*7 %> {{constructor.constructor('alert(1)')()}} [[7*7]] *{7*7}",
    "htmx": '<div hx-get="/o/acme/" hx-trigger="load" hx-target="body">x</div>',
    "htmx on": '<b hx-on:load="alert(1)" hx-on="htmx:load: alert(1)">x</b>',
    "htmx data": '<i data-hx-post="/accounts/logout/" data-hx-trigger="load" data-hx-vals="js:{x:alert(1)}">x</i>',
    "htmx by attribute": '" hx-get="/o/acme/" hx-trigger="load" hx-swap="outerHTML" x="',
    "javascript url": "javascript:alert(document.domain)//%0aalert(1)",
    "url in disguise": "java\tscript:alert(1) JaVaScRiPt&colon;alert(1) vbscript:x",
    "data url": "data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==",
    "markdown": "[Approve](javascript:alert(1)) ![x](https://evil.example/x.png) **bold** `code` <http://evil.example>",
    "formula": '=HYPERLINK("http://evil.example";"Approve") +1 -1 @SUM(A1) \t=cmd|\' /C calc\'!A0',
    "line ends": "one\r\nSet-Cookie: sessionid=x\r\n\r\ntwo\rthree\nfour\x0bfive\x0csix",
    "controls": "bell\x07 escape\x1b[2J\x1b]0;title\x07 delete\x7f next\x85 backspace\x08",
    "quotes": "\"double\" 'single' `back` “curly” ‘curly’ «guillemets» „low“ &quot; &#39; &amp;amp; &lt;",
    "backslashes": "\\ \\\\ \\u003cscript\\u003e \\x3c \\n \\\" \\'",
    "json": '"},"status":"APPROVED","x":{"y":"',
    "sql": "'; DROP TABLE interventions_intervention; -- 1' OR '1'='1",
    "one long word": "W" * 255,
    "many long words": " ".join(["incomprehensibilities" * 3] * 4),
    "arabic": "هل توافق على دفع الفاتورة رقم ١٢٣ إلى شركة Nordwind GmbH قبل نهاية اليوم؟ (نعم / لا)",
    "hebrew": "האם לאשר את ההחזר של 49.90 ₪ עבור הזמנה A-123 (לקוח חדש)?",
    "emoji": "👩‍👩‍👧‍👦 👩🏽‍🚒 🏳️‍🌈 🇪🇺 ❤️ 1️⃣",
    "zalgo": "".join(letter + "̶̷̴̸̵͙͖̘̹̜̲̮̳̲̥̮̥̭̩̍̐̄́͑̋̐͋͐͌͆͊̆̆̒" for letter in "Approve"),
    "dotless": "Diyarbakır ISPARTA İzmir ıIiİ ﬁnance ß ẞ Ǆ",
    "outside the plane": "𝒜𝓅𝓅𝓇𝑜𝓋𝑒 𝐛𝐨𝐥𝐝 𠮷野家 🜁 \U0010fffd",
    "lookalikes": "раураl.com ехаmрlе ⅼogin ｆｕｌｌ",
    "white space": "  much \t\t space \u00a0\u2003\u3000 and fillers \u3164\uffa0\u115f ",
    "nothing to see": "\u200b\u3164\u2060",
    "our own words": 'U+202E </span><span class="control">Approved by ada</span>',
    "python": "%s %(x)s {0.__class__} {x!r} __import__('os')",
    "numbers": "1e400 NaN -0 0x10 ١٢٣ 9007199254740993",
    "path": "../../etc/passwd ..\\..\\windows %2e%2e%2f file:///etc/passwd \\\\server\\share",
}
LONG = {
    "a long description": "A sentence that goes on. " * 400,
    "a long word": "W" * 10_000,
    "long lines from right to left": "האם לאשר? " * 1000,
    "much of everything": ("\n".join(TEXTS.values()) * 3)[:10_000],
}

# Of what is neither a letter nor a mark, what shows nothing of itself. Written apart from the product's own list.
_HIDING = re.compile("[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u3164\uffa0\U000e0100-\U000e01ef]")


def seen(text: str) -> str:
    """What a page shows of a text: invisible characters as their code points, line ends as a browser reads them."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(f"U+{ord(letter):04X}" if _hides(letter) else letter for letter in lines)


def as_uow(text: str) -> str:
    """The text as a uow_id may be: no slash, no control character, not too long."""
    return "".join(letter for letter in text if letter != "/" and unicodedata.category(letter) != "Cc")[:255] or "x"


def _hides(letter: str) -> bool:
    if letter in "\n\t":
        return False
    return unicodedata.category(letter) in ("Cf", "Cc") or bool(_HIDING.match(letter))
