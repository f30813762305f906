#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
# Installs what is missing from Debian 12: tools/deps.sh [build] [lint] [fuzz] [bench] [coverage] [docs]
set -eu

# libdpdk-dev brings every poll mode driver with it; wrk looks "http" up in the list of netbase.
build="gcc libc6-dev make meson ninja-build pkg-config libdpdk-dev libcmocka-dev libinih-dev
	python3 netbase iproute2 iputils-ping nftables ethtool procps valgrind curl wrk iperf3 tcpdump"
lint="clang clang-format clang-tidy"
bench="dpdk-dev gnuplot-nox"
coverage="gcovr"
docs="doxygen"
fuzz="clang libclang-rt-14-dev llvm-14"

wanted=
for set in "${@:-build}"; do
	case $set in
	build) wanted="$wanted $build" ;;
	lint) wanted="$wanted $lint" ;;
	bench) wanted="$wanted $bench" ;;
	coverage) wanted="$wanted $coverage" ;;
	docs) wanted="$wanted $docs" ;;
	fuzz) wanted="$wanted $fuzz" ;;
	*) echo "deps: no set of packages named '$set'" >&2; exit 2 ;;
	esac
done

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
	echo "deps: this is not Debian; please install the equivalents of:$(echo $wanted | fmt)" >&2
	exit 1
fi

missing=
for package in $wanted; do
	status=$(dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null || true)
	case $status in
	*not-installed* | *config-files*) missing="$missing $package" ;;
	*installed*) ;;
	*) missing="$missing $package" ;;
	esac
done
[ -n "$missing" ] || exit 0

as_root=
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || {
		echo "deps: as root, please run: apt-get install --no-install-recommends$missing" >&2
		exit 1
	}
	as_root=sudo
fi
echo "deps: installing$missing"
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q update
$as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends $missing
