# SPDX-License-Identifier: BSD-3-Clause
"""How answers are printed."""
import json


def json_text(value):
    print(json.dumps(value, indent=1))
