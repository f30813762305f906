# SPDX-License-Identifier: BSD-3-Clause
"""How answers are printed, and numbers of the command line read."""
import argparse
import json

UNITS = ("", "K", "M", "G", "T", "P")


def count(text):
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"'{text}' is not a number")
    return int(text)


def seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = -1
    if not 0 <= value < 1e9:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of seconds")
    return value


def json_text(value):
    print(json.dumps(value, indent=1))


def table(header, rows, right=()):
    """Columns as wide as they have to be; `right` names the columns of numbers."""
    rows = [[str(x) for x in row] for row in rows]
    widths = [max(len(r[i]) for r in [list(header), *rows]) for i in range(len(header))]
    for row in [list(header), *rows]:
        cells = [x.rjust(w) if h in right else x.ljust(w) for x, w, h in zip(row, widths, header)]
        print(" ".join(cells).rstrip())


def human(n, base=1000):
    """1234567 -> 1.23M"""
    n = float(n)
    for unit in UNITS:
        if abs(n) < base or unit == UNITS[-1]:
            return f"{n:.0f}{unit}" if unit == "" or n >= 100 else f"{n:.3g}{unit}"
        n /= base
    return str(n)


def ms(us):
    """Microseconds as ss tells milliseconds: 1.234, 0.05, 200."""
    return f"{us / 1000:.3f}".rstrip("0").rstrip(".")


def ago(us):
    for size, unit in ((3600 * 10**6, "h"), (60 * 10**6, "min"), (10**6, "s")):
        if us >= size:
            return f"{us / size:.3g} {unit}"
    return ms(us) + " ms"


def endpoint(addr, port, family=4):
    if family == 6 and ":" in addr:
        addr = f"[{addr}]"
    return f"{addr}:{port or '*'}"
