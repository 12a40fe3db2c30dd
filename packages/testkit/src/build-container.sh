#!/bin/bash
# build-container.sh DIRECTORY CONTEXT PLAN VOLUME USER WORKDIR WORD…: carries out the stages of a Containerfile without an engine for containers, then
# starts the program of the last one. The image that stages begin with is this machine's files, of which a copy in memory changes.
# Call it in new namespaces of mounts and processes: nothing of it stays. PLAN is a script that calls the functions below.
set -euo pipefail
directory=$1 context=$2 plan=$3 volume=$4 user=$5 start=$6
shift 6
declare -A layers places
root='' work=/ name=''

# stage NAME STAGE: begins a stage on another one, or on the image.
stage() {
  local lower=/ own=$directory/$1
  if [ -n "$2" ]; then lower=${layers[$2]}; fi
  mkdir -p "$own/upper" "$own/work" "$own/root"
  mount -t overlay overlay -o "lowerdir=$lower,upperdir=$own/upper,workdir=$own/work" "$own/root"
  layers[$1]=$own/upper:$lower
  root=$own/root work=/ name=$1
  if [ -n "$2" ]; then work=${places[$2]}; fi
  mount -t proc proc "$root/proc"
  mount -t tmpfs tmpfs "$root/dev"
  for device in full null random urandom zero; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
}

workdir() {
  work=$1 places[$name]=$1
  mkdir -p "$root$work"
}

run() {
  chroot "$root" env -C "$work" /bin/sh -c "$1"
}

# copy STAGE SOURCE DESTINATION: of the context without a stage. Of a directory it copies what is in it.
copy() {
  local from=$context/$2 to=$root$work/$3
  if [ -n "$1" ]; then from=$directory/$1/root$2; fi
  if [ -d "$from" ]; then mkdir -p "$to" && cp -a "$from/." "$to"; else cp -a "$from" "$to"; fi
}

mount --make-rprivate /
mount -t tmpfs tmpfs "$directory"
# shellcheck source=/dev/null
. "$plan"

# A new volume has the owner and the mode that its directory has in the image; nothing else can be written.
mount -t tmpfs -o "uid=$(stat -c %u "$root$volume"),gid=$(stat -c %g "$root$volume"),mode=$(stat -c %a "$root$volume")" tmpfs "$root$volume"
mount -o remount,ro "$root/dev"
mount -o remount,ro "$root"
export root user start
# shellcheck disable=SC2016
exec unshare --mount --pid --net --ipc --uts --fork --kill-child bash -euc '
  ip link set lo up
  mount -t proc proc "$root/proc"
  exec chroot "$root" setpriv --reuid="${user%:*}" --regid="${user#*:}" --clear-groups --bounding-set=-all --inh-caps=-all --no-new-privs \
    env -i -C "$start" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' bash "$@"
