#!/bin/sh
# SPDX-FileCopyrightText: 2026 The lvs.director authors
# SPDX-License-Identifier: GPL-3.0-or-later
#
# Run inside the new system, by root of that system.

# Reached by key only ("*" is no password; "!" would lock the account for a sshd without PAM).
usermod --password '*' root

chmod 700 /root/.ssh

systemctl enable systemd-networkd.service ssh.service
# Nothing of this serves a machine that lives minutes; each costs seconds of emulated boot.
systemctl mask \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service \
    fstrim.timer man-db.timer systemd-tmpfiles-clean.timer \
    systemd-random-seed.service systemd-journal-flush.service systemd-binfmt.service \
    systemd-update-utmp.service systemd-update-utmp-runlevel.service systemd-sysusers.service \
    systemd-networkd-wait-online.service kmod-static-nodes.service \
    modprobe@drm.service modprobe@efi_pstore.service modprobe@fuse.service modprobe@loop.service modprobe@dm_mod.service \
    dev-mqueue.mount dev-hugepages.mount sys-kernel-tracing.mount sys-fs-fuse-connections.mount \
    proc-sys-fs-binfmt_misc.automount getty@tty1.service serial-getty@ttyS0.service ipvsadm.service
# /tmp of a Debian 13 guest stays on the disk as in Debian 12: memory is the scarce good here.
systemctl mask tmp.mount

# Nothing has changed below /usr since the packages were installed: no first-boot work (ldconfig and the like).
touch /etc/.updated /var/.updated
