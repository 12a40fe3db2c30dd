#!/bin/bash
# boot-system.sh DIRECTORY CHECKOUT: becomes the first process of a separate system, Debian's systemd over a copy of this machine's files
# that is only in memory. Call it in new namespaces of mounts, processes, cgroups, names, IPC and network: nothing of it stays.
set -euo pipefail
directory=$1 checkout=$2
root=$directory/root

mount --make-rprivate /
mount -t tmpfs tmpfs "$directory"
mkdir "$directory"/{upper,work,root}
mount -t overlay overlay -o "lowerdir=/,upperdir=$directory/upper,workdir=$directory/work" "$root"
mount -t proc proc "$root/proc"
# Variables of the kernel are this machine's.
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs tmpfs "$root/tmp"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in full null random tty urandom zero; do
  touch "$root/dev/$device"
  mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=666 devpts "$root/dev/pts"
mount -t tmpfs tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
mkdir -p "$root/opt/membrane"
mount --bind -o ro "$checkout" "$root/opt/membrane"

# Only what the test itself starts runs there, and none of this machine's own services.
rm -rf "$root"/etc/systemd/system/*
# The image of a container forbids packages to stop and restart services.
rm -f "$root/usr/sbin/policy-rc.d"
: > "$root/etc/machine-id"
cat > "$root/etc/systemd/system/test.target" << 'UNIT'
[Unit]
Requires=basic.target
After=basic.target
UNIT
# A service with a separate view of files needs a root that is one of mounts too.
cd "$root"
pivot_root . mnt
umount --lazy /mnt
# As at a boot: what systemd mounts for a service is seen in the view that the service gets.
mount --make-rshared /
# What this machine has once, its modules and its clock, cannot be changed from there.
exec env -i container=membrane-test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
  setpriv --bounding-set=-sys_module,-sys_time,-sys_rawio,-sys_boot,-syslog \
  /lib/systemd/systemd --system --unit=test.target --log-target=journal --log-level=info --show-status=no
