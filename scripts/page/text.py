"""Numbers and words as a reader wants them. Everything that reaches the page is escaped here."""
import html
import math

THIN_SPACE = "\u2009"
TIMES = "\u00d7"


def escape(value):
    """Text for an element or a quoted attribute."""
    return html.escape(str(value), quote=True)


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def number_or(value, default=0):
    return value if is_number(value) else default


def words(value, default=""):
    """A string from data that may lack it."""
    return value if isinstance(value, str) else default


def items(value):
    """The dictionaries of a list that may be missing or hold other things."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def count(value):
    """12 345, exact."""
    return f"{int(value):,}".replace(",", THIN_SPACE)


def about(value):
    """12 thousand, 3.4 million: for sentences."""
    for size, name in ((1e9, "billion"), (1e6, "million"), (1e4, "thousand")):
        if value >= size:
            scaled = value / (1e3 if name == "thousand" else size)
            return f"{scaled:.3g}{THIN_SPACE}{name}"
    return count(value)


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


def ratio(value):
    return f"{figure(value)}{TIMES}"


def milliseconds(value):
    if value < 1:
        return f"{figure(value * 1000)}{THIN_SPACE}\u00b5s"
    if value < 1000:
        return f"{figure(value)}{THIN_SPACE}ms"
    return f"{figure(value / 1000)}{THIN_SPACE}s"


def rate(value):
    """How often a race shows: 85 %, 1 in 340."""
    if value <= 0:
        return "never"
    if value >= 0.1:
        return f"{value * 100:.0f}{THIN_SPACE}%"
    return f"1 in {short(round(1 / value))}"


def plural(amount, one, many=None):
    return f"{count(amount)} {one if amount == 1 else many or one + 's'}"
