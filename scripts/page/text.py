"""Numbers and words as a reader wants them. Everything that reaches the page is escaped here."""
import html
import math
import re

NO_BREAK = "\u202f"  # narrow
SPACE = "\u00a0"
TIMES = "\u00d7"


def escape(value):
    """Text for an element or a quoted attribute."""
    return html.escape(str(value), quote=True)


def prose(text):
    """Running text, in which `code` stands between backticks."""
    text = re.sub(r"(\d) %", rf"\1{NO_BREAK}%", escape(text))
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", text)


def is_number(value):
    """A number that can be true; nothing here counts beyond a quintillion."""
    return (isinstance(value, (int, float)) and not isinstance(value, bool)
            and math.isfinite(value) and abs(value) < 1e18)


def amount(value):
    """A count from data that may lack it, or hold nonsense."""
    return value if is_number(value) and value > 0 else 0


def words(value, default=""):
    """A string from data that may lack it."""
    return value if isinstance(value, str) else default


def items(value):
    """The dictionaries of a list that may be missing or hold other things."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value):
    """12 345, exact."""
    return f"{int(value):,}".replace(",", NO_BREAK)


def about(value):
    """12 300, 3.4 million: for sentences."""
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if value >= size:
            return f"{value / size:.3g}{SPACE}{name}"
    return count(round(value, 3 - len(str(int(value))))) if value >= 1000 else count(value)


def short(value):
    """12k, 3.4M: for table cells."""
    for size, suffix in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= 10 * size or (value >= size and size > 1e3):
            return f"{value / size:.3g}{suffix}"
    return count(value)


def figure(value):
    """Three digits that mean something, with thousands parted."""
    if value == 0:
        return "0"
    if abs(value) >= 1000:
        digits = 3 - len(str(int(abs(value))))
        return count(round(value, digits))
    decimals = max(0, 2 - math.floor(math.log10(abs(value))))
    return f"{value:.{min(decimals, 4)}f}"


def ratio_figure(value):
    return f"{value:.2f}" if value < 10 else figure(value)


def ratio(value):
    return f"{ratio_figure(value)}{TIMES}"


def rounded(value):
    """Two digits: for what is an estimate anyway."""
    if value <= 0:
        return "0"
    value = round(value, 1 - math.floor(math.log10(value)))
    return count(value) if value >= 10 else f"{value:.3g}"


def milliseconds(value):
    if value < 1:
        return f"{rounded(value * 1000)}{NO_BREAK}\u00b5s"
    if value < 1000:
        return f"{rounded(value)}{NO_BREAK}ms"
    return f"{rounded(value / 1000)}{NO_BREAK}s"


def rate(value):
    """How often a race shows: 85 %, 1 in 340."""
    if value <= 0:
        return "never"
    if value >= 0.1:
        return f"{value * 100:.0f}{NO_BREAK}%"
    return f"1{SPACE}in{SPACE}{rounded(1 / value)}"


def plural(amount, one, many=None):
    return f"{count(amount)} {one if amount == 1 else many or one + 's'}"
