# SPDX-License-Identifier: BSD-3-Clause
"""IPv6 neighbours and their MAC addresses (neighbour discovery)."""
from . import neigh

add_arguments = neigh.add_arguments


def run(args):
    neigh.run(args, 6)
