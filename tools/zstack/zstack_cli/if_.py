# SPDX-License-Identifier: BSD-3-Clause
"""The interfaces: addresses, device, link, and the device's own counters.

Several processes with a stack each have the same ones; the first of them is asked.
"""
from . import group, show


def add_arguments(parser):
    parser.add_argument("-s", "--statistics", action="store_true", help="the device's counters")


def lines(i):
    up = "up" if i["up"] else "down"
    speed = f" {i['mbps']} Mbit/s" if i["mbps"] else ""
    vlan = f" vlan {i['vlan']}" if i["vlan"] else ""
    yield f"{i['id']}: {i['device']} ({i['driver']}) {up}{speed} mtu {i['mtu']}{vlan}"
    yield f"    ether {i['mac']}"
    if i["ip4"]:
        yield f"    inet {i['ip4']}/{i['ip4_prefix']}"
    for k in range(64):
        if f"ip6_{k}" not in i:
            break
        yield f"    inet6 {i[f'ip6_{k}']} {i.get(f'ip6_{k}_state', '')}".rstrip()
    yield (f"    queues {i['rx_queues']} rx, {i['tx_queues']} tx of {i['rx_descs']}, {i['tx_descs']}"
           + (", rss" if i["rss"] else "") + (", interrupts" if i["interrupts"] else ""))
    yield f"    offloads {i['offloads'] or 'none'}"


def statistics(i):
    yield (f"    RX: {i['rx_packets']} packets, {i['rx_bytes']} bytes, {i['rx_missed']} missed, "
           f"{i['rx_errors']} errors, {i['rx_nombuf']} without a buffer")
    yield f"    TX: {i['tx_packets']} packets, {i['tx_bytes']} bytes, {i['tx_errors']} errors"


def run(args):
    program = group.choose(args).first
    found = list(program.pages("/zstack/if"))
    if args.json:
        show.json_text(found)
        return
    for i in found:
        print("\n".join(lines(i)))
        if args.statistics:
            print("\n".join(statistics(i)))
