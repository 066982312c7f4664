#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run in the peer machine: a client and five real servers in namespaces of their own, all on the lab's switch, as the
# directors are. Outside, 10.211.55.0/24 and 2001:db8:55::/64, are the client and the real servers for direct routing; inside,
# 10.99.1.0/24 and 2001:db8:99::/64, are those for NAT, whose gateways float between the directors.
set -eu

ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
ip link set eth1 up master br0

# NAME ADDRESS ADDRESS: a namespace with these addresses on its eth0
namespace() {
    ip netns add "$1"
    ip link add "$1" master br0 type veth peer name eth0 netns "$1"
    ip link set "$1" up
    # A redirect would show a real server the way around its director.
    ip netns exec "$1" sysctl --quiet \
        net.ipv6.conf.all.accept_redirects=0 net.ipv6.conf.eth0.accept_redirects=0 \
        net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2
    ip -n "$1" -batch - <<END
link set lo up
address add $2 dev eth0
address add $3 dev eth0 nodad
link set eth0 up
END
}

namespace client 10.211.55.50/24 2001:db8:55::50/64
for number in 1 2 3; do
    namespace "nat$number" "10.99.1.1$number/24" "2001:db8:99::1$number/64"
    ip -n "nat$number" route add default via 10.99.1.254
    ip -n "nat$number" route add default via 2001:db8:99::fe
done
for number in 1 2; do
    namespace "dr$number" "10.211.55.3$number/24" "2001:db8:55::3$number/64"
    ip -n "dr$number" address add 10.211.55.101/32 dev lo
    ip -n "dr$number" address add 2001:db8:55::101/128 dev lo
done
