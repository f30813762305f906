# SPDX-License-Identifier: BSD-3-Clause
"""IPv4 neighbours and their MAC addresses (ARP)."""
from . import neigh

add_arguments = neigh.add_arguments


def run(args):
    neigh.run(args, 4)
