"""Times on the command line, such as 500ms, 90s or 5m."""
import argparse
import re

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}


def seconds(text):
    """For argparse."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)(ms|s|m|h)", text)
    if match is None or float(match.group(1)) == 0:
        raise argparse.ArgumentTypeError(f"'{text}' is no time: 60s, 3m or 500ms is one")
    return float(match.group(1)) * UNITS[match.group(2)]
