#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run in the peer machine, in the folder with health/ and pair/: a client, and the real servers of examples/health.yml, behind NAT,
# whose gateway is the director, in namespaces of their own, all on the lab's switch. Each real server is a unit of systemd.
set -eu

ip link add br0 type bridge mcast_snooping 0
ip link set br0 up
ip link set eth1 up master br0

# NAME ADDRESS: a namespace with this address on its eth0
namespace() {
    ip netns add "$1"
    ip link add "$1" master br0 type veth peer name eth0 netns "$1"
    ip link set "$1" up
    ip -n "$1" -batch - <<END
link set lo up
address add $2 dev eth0
link set eth0 up
END
}

# An authority of our own, and two certificates for www.example.org by it; one of them has expired.
certificates() {
    openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -subj /CN=tests -days 30
    openssl req -newkey rsa:2048 -nodes -keyout key.pem -out request.pem -subj /CN=www.example.org \
        -addext subjectAltName=DNS:www.example.org
    for certificate in 'valid 30' 'expired -1'; do
        openssl x509 -req -in request.pem -CA ca.pem -CAkey ca.key -CAcreateserial -copy_extensions copy \
            -out "${certificate% *}.pem" -days "${certificate#* }"
    done
}

mkdir -p state
(cd state && certificates)

# NAME ADDRESS: a real server
real_server() {
    namespace "$1" "$2/24"
    ip -n "$1" route add default via 10.99.0.1
    cat >"/run/systemd/system/$1.service" <<END
[Service]
WorkingDirectory=$PWD
LimitNOFILE=65536
ExecStart=ip netns exec $1 python3 -m health.server $1 $2 $PWD/state
END
}

namespace client 10.211.55.50/24
ip -n client route add 10.99.0.100/32 via 10.211.55.11
real_server rs1 10.99.0.11
real_server rs2 10.99.0.12
real_server rs3 10.99.0.13
real_server sorry 10.99.0.99
systemctl daemon-reload
systemctl start rs1 rs2 rs3 sorry
