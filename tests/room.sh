# Sourced by tests that need a Debian 12 of their own: a fresh minimal one in a directory, entered with
# mounts and processes of its own. Needs root.
# shellcheck shell=sh

: "${checkout:?is for the script that sources this one to set}"
# shellcheck source=packaging/steps.sh
. "$checkout/packaging/steps.sh"

# begin_room NAME: from here on $work is a directory for the test, and $root will be the room. Both are
# gone when the script ends, with everything that runs there as a child of $entered.
begin_room() {
  work=$(mktemp -d "${TMPDIR:-/tmp}/eradio-$1.XXXXXX")
  root=$work/root
  entered=
  has_cgroup=
  trap leave_room EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM HUP
}

# Ends all that runs in the room, and with it the room's mounts.
end_entered() {
  if [ -n "$entered" ]; then
    pkill -KILL -P "$entered" || true
    wait "$entered" 2>/dev/null || true
    entered=
  fi
}

leave_room() {
  end_entered
  if [ -n "$has_cgroup" ]; then
    remove_cgroup
  fi
  rm -rf --one-file-system "$work"
}

start=$(date +%s)
phase() {
  now=$(date +%s)
  say "$1 ($((now - start)) s)"
  start=$now
}

# not_checked WHAT…: ends the script, which has found nothing wrong in the rest; .ci/run tells that apart
# from a whole check.
not_checked() {
  say "NOT CHECKED: $*"
  exit 77
}

# make_room OPTIONS…: mmdebstrap's.
make_room() {
  say "making a Debian 12 in $root"
  mmdebstrap --quiet --variant=minbase "$@" bookworm "$root" >"$work/mmdebstrap.log" 2>&1 || {
    cat "$work/mmdebstrap.log" >&2
    fail "mmdebstrap could not make a Debian 12"
  }
  cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
}

# In namespaces of its own, with the room as $1.
# shellcheck disable=SC2016  # the inner shells expand it
room_mounts='
  root=$1
  shift
  mount -t proc proc "$root/proc"
  mount -t sysfs -o ro sysfs "$root/sys"
  mount -t tmpfs -o mode=755 dev "$root/dev"
  for device in null zero full random urandom tty; do
    touch "$root/dev/$device"
    mount --bind "/dev/$device" "$root/dev/$device"
  done
  if [ -c /dev/net/tun ]; then
    mkdir -p "$root/dev/net"
    touch "$root/dev/net/tun"
    mount --bind /dev/net/tun "$root/dev/net/tun"
  fi
  mkdir -p "$root/dev/shm" "$root/dev/pts"
  mount -t tmpfs -o mode=1777 shm "$root/dev/shm"
  mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
  ln -s pts/ptmx "$root/dev/ptmx"
  ln -s /proc/self/fd "$root/dev/fd"
  ln -s fd/0 "$root/dev/stdin"
  ln -s fd/1 "$root/dev/stdout"
  ln -s fd/2 "$root/dev/stderr"
'

# enter SCRIPT NAME [arguments]: the room's sh runs the script, with mounts and processes of its own, and
# of the host nothing but the network. Replaces the calling shell.
enter() {
  # shellcheck disable=SC2016  # the inner shell expands it
  exec unshare --mount --propagation private --pid --fork --kill-child sh -euc "$room_mounts"'
    exec chroot "$root" env -i --default-signal=INT,QUIT PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
      ${registry:+npm_config_registry="$registry"} ${authorities:+npm_config_cafile=/etc/npm-authorities.crt} \
      sh -uc "$@"
  ' enter "$root" "$@"
}

# Whether there are control groups that a systemd in the room could have.
can_boot_systemd() {
  unshare --mount --propagation private --cgroup mount -t cgroup2 cgroup2 /mnt 2>/dev/null
}

# with_cgroups SCRIPT [arguments]: it sees those of the machine in /mnt.
with_cgroups() {
  # shellcheck disable=SC2016  # the inner shell expands it
  unshare --mount --propagation private sh -euc 'mount -t cgroup2 cgroup2 /mnt
    eval "$1"' with_cgroups "$@"
}

# The calling shell gets a control group of its own, which a systemd in the room takes for all there are.
join_cgroup() {
  # shellcheck disable=SC2016  # the inner shells expand it
  with_cgroups 'mkdir "/mnt/$2" && echo "$3" >"/mnt/$2/cgroup.procs"' \
    "eradio-room-$$" "$(exec sh -c 'echo "$PPID"')"
}

remove_cgroup() {
  # shellcheck disable=SC2016  # the inner shell expands it
  with_cgroups 'find "/mnt/$2" -depth -type d -exec rmdir {} \;' "eradio-room-$$"
}

# boot PROGRAM [arguments]: the room gets a network of its own, which is only itself, and the program as
# its first process; systemd gets control groups. Replaces the calling shell.
boot() {
  # shellcheck disable=SC2016  # the inner shell expands it
  exec unshare --mount --propagation private --pid --net --uts --ipc --cgroup --fork --kill-child \
    sh -euc 'mount --bind "$1" "$1"'"$room_mounts"'
    ip link set lo up
    if [ "${1##*/}" = systemd ]; then
      mount -t tmpfs -o mode=755 run "$root/run"
      mount -t tmpfs cgroup "$root/sys/fs/cgroup"
      mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    fi
    exec chroot "$root" env -i container=eradio-test PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
  ' boot "$root" "$@"
}

# in_booted COMMAND…: beside the first process that boot() has started.
in_booted() {
  nsenter --target "$(pgrep -P "$entered")" --mount --pid --net --uts --ipc --cgroup --root \
    env -i --chdir=/ PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root "$@"
}
