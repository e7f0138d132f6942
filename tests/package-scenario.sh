#!/bin/sh
# What tests/package.sh does within its room: installs, starts, upgrades, removes and purges the package
# in /opt, and looks at each step.
#
#   sh package-scenario.sh none|systemd VERSION NEXT_VERSION
set -eu
init=$1
version=$2
next_version=$3
export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8
configuration=/etc/eradio/eradio.conf
url=http://localhost:8080

fail() {
  printf 'package scenario (%s) FAILED: %s\n' "$init" "$*" >&2
  if [ "$init" = systemd ]; then
    journalctl --no-pager --lines 40 --unit eradio >&2
  else
    tail -n 40 /tmp/eradiod.log >&2
  fi
  exit 1
}

# apt COMMAND…: what it prints is in /tmp/apt.log.
apt() {
  apt-get --quiet --yes --option Dpkg::Use-Pty=0 "$@" >/tmp/apt.log 2>&1 </dev/null || {
    cat /tmp/apt.log >&2
    fail "apt-get $*"
  }
}

# comes_true WHAT COMMAND…: waits for it, a busy machine's 20 seconds at most.
comes_true() {
  what=$1
  shift
  tries=0
  until "$@" >/dev/null 2>&1; do
    tries=$((tries + 1))
    [ "$tries" -lt 200 ] || fail "$what"
    sleep 0.1
  done
}

status() {
  eradioctl --json status
}

# running_version: of the server that answers.
running_version() {
  status | sed -n 's/^{"version":"\([^"]*\)".*/\1/p'
}

master() {
  status | sed -n 's/^{[^{}]*"pid":\([0-9]*\),.*/\1/p'
}

listeners() {
  status | sed -n 's/.*"totals":{[^{}]*"listeners":\([0-9]*\),.*/\1/p'
}

expect() {
  [ "$2" = "$3" ] || fail "$1: expected \"$3\", got \"$2\""
}

# Every file and directory but for those that change whenever anything is installed; and every user.
inventory() {
  find / \( -path /proc -o -path /sys -o -path /dev -o -path /tmp -o -path /opt -o -path /var/cache -o -path /var/backups \
    -o -path /var/log/journal -o -path /run/systemd -o -path /run/log -o -path /run/udev \
    -o -path /var/lib/systemd/catalog -o -path /var/lib/apt \) -prune -o -print |
    grep -vx -e '/etc/\(passwd\|group\|shadow\|gshadow\|subuid\|subgid\)-' -e '/etc/.pwd.lock' \
      -e '/var/lib/dpkg/[^/]*-old' -e '/run/mount.*' -e '/run/lock.*' -e '/var/tmp/systemd-private.*' \
      -e '/var/lib/systemd/timers.*' -e '/var/log/\(apt\|dpkg\|wtmp\|btmp\).*' | sort
  cut -d: -f1 /etc/passwd /etc/group
}

start() {
  if [ "$init" = systemd ]; then
    systemctl start eradio
    return
  fi
  install -d -o eradio -g eradio /run/eradio /var/lib/eradio
  setpriv --reuid=eradio --regid=eradio --init-groups --no-new-privs \
    eradiod --config "$configuration" >>/tmp/eradiod.log 2>&1 &
}

inventory >/tmp/before

# --- installed
: >/tmp/eradiod.log
apt install /opt/eradio-1.deb
getent passwd eradio | grep -q ':/var/lib/eradio:/usr/sbin/nologin$' || fail "there is no system user"
[ -f "$configuration" ] || fail "there is no configuration"
systemctl is-enabled --quiet eradio || fail "the service is not enabled"
eradiod --config "$configuration" --check_config >/dev/null || fail "the configuration is not in order"
expect "eradiod --version" "$(eradiod --version)" "eradiod $version"
systemd-analyze verify --man=no eradio.service >/tmp/verify.log 2>&1 || fail "$(cat /tmp/verify.log)"
expect "systemd-analyze verify" "$(grep eradio /tmp/verify.log || true)" ""
systemd-analyze security --offline=true --threshold=20 --no-pager eradio.service >/tmp/security.log ||
  fail "$(cat /tmp/security.log)"
tail -n 1 /tmp/security.log

# --- it plays the demo; installed under systemd it has been started
[ "$init" = systemd ] || start
comes_true "the server does not answer eradioctl" status
expect "the version that runs" "$(running_version)" "$version"
comes_true "the demo does not play" sh -c "curl --silent $url/v1/metadata | grep -q current_track"
bytes=$(curl --silent --max-time 2 $url/stream.mp3 | wc -c)
[ "$bytes" -gt 16000 ] || fail "two seconds of the stream have $bytes bytes"
curl --silent --fail $url/ | grep -qi '<html' || fail "/ is no page"
eradioctl status | grep -q playing || fail "eradioctl status does not say what is playing"

# --- another source, and a listener who checks every frame
cat >>"$configuration" <<END
source = /opt/eradio-test-source --rate 38.28 --size 418
max_lag = 2 s
END
cp "$configuration" /tmp/configuration
if [ "$init" = systemd ]; then
  systemctl reload eradio
else
  eradioctl reload
fi
comes_true "the new source does not run" grep -qx eradio-test-sou /proc/[0-9]*/comm
mkfifo /tmp/listening
/opt/eradio-test-listener 8080 0 </tmp/listening >/tmp/listener.report &
listener=$!
exec 3>/tmp/listening
comes_true "nobody can listen" grep -q listening /tmp/listener.report
master=$(master)

# --- an upgrade that is not allowed, one that cannot be, and one that can
printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
chmod +x /usr/sbin/policy-rc.d
apt install /opt/eradio-2.deb
grep -q 'policy-rc.d does not allow' /tmp/apt.log || fail "nothing is said of policy-rc.d: $(cat /tmp/apt.log)"
expect "the version that runs" "$(running_version)" "$version"
rm /usr/sbin/policy-rc.d
cmp "$configuration" /tmp/configuration || fail "the configuration is another one after the upgrade"

echo 'max_lag = wrong' >>"$configuration"
apt install --reinstall /opt/eradio-2.deb
grep -q 'could not be upgraded and goes on as it is' /tmp/apt.log ||
  fail "nothing is said of a configuration that is wrong: $(cat /tmp/apt.log)"
expect "the version that runs" "$(running_version)" "$version"
cp /tmp/configuration "$configuration"

apt install --reinstall /opt/eradio-2.deb
expect "the version that runs" "$(running_version)" "$next_version"
expect "the process" "$(master)" "$master"
expect "the listeners" "$(listeners)" 1
cmp "$configuration" /tmp/configuration || fail "the configuration is another one after the upgrade"
for process in /proc/[0-9]*; do
  case $(readlink "$process/exe" 2>/dev/null) in
    *eradio*deleted*) fail "$(cat "$process/comm") is still the old one" ;;
  esac
done
if [ "$init" = systemd ]; then
  expect "systemd's process" "$(systemctl show --property MainPID --value eradio)" "$master"
  expect "systemd's state" "$(systemctl is-active eradio)" active
  expect "unit read again" "$(systemctl show --property NeedDaemonReload --value eradio)" no
  comes_true "systemd shows no listener" sh -c "systemctl show --property StatusText eradio | grep -q '=1 listener; '"
  expect "restarts" "$(systemctl show --property NRestarts --value eradio)" 0
fi

# --- the listener noticed nothing
sleep 1
exec 3>&-
wait "$listener"
for line in 'ended 0' 'missed 0' 'fault none'; do
  grep -qx "$line" /tmp/listener.report || fail "the listener: $(cat /tmp/listener.report)"
done
echo "the listener: $(grep '^frames' /tmp/listener.report), none missed"

# --- under systemd: a reload that cannot be fails; low ports; one that hangs is started again
if [ "$init" = systemd ]; then
  echo 'max_lag = wrong' >>"$configuration"
  ! systemctl reload eradio 2>/dev/null || fail "systemctl reload says nothing of a configuration that is wrong"
  journalctl --unit eradio | grep -q 'eradioctl\[.*max_lag' || fail "the journal does not say what is wrong"
  expect "the process" "$(master)" "$master"
  cp /tmp/configuration "$configuration"
  mkdir -p /run/systemd/system/eradio.service.d
  printf '[Service]\nWatchdogSec=2s\nExecStart=\nExecStart=/usr/sbin/eradiod --config %s --listen_port 80\n' \
    "$configuration" >/run/systemd/system/eradio.service.d/test.conf
  systemctl daemon-reload
  systemctl restart eradio
  curl --silent --fail http://localhost:80/ >/dev/null || fail "port 80 does not answer"
  sleep 3
  expect "restarts" "$(systemctl show --property NRestarts --value eradio)" 0
  kill -STOP "$(master)"
  comes_true "a server that hangs is not started again" \
    sh -c "systemctl show --property NRestarts eradio | grep -qx NRestarts=1"
  comes_true "the server does not answer after it was started again" status
  master=$(master)
  rm -r /run/systemd/system/eradio.service.d
  systemctl daemon-reload
fi

# --- removed: it has stopped, and the configuration stays
apt remove eradio
comes_true "the server still runs" sh -c "! kill -0 $master"
[ -f "$configuration" ] || fail "the configuration is gone, though the package was not purged"
cmp "$configuration" /tmp/configuration

# --- and once more, from what is left; then purged
apt install /opt/eradio-2.deb
start
comes_true "the server does not answer after it was installed again" status
apt purge eradio
comes_true "the server still runs after the purge" sh -c "! grep -qx eradiod /proc/[0-9]*/comm"
inventory >/tmp/after
diff /tmp/before /tmp/after >/tmp/difference || fail "the purge left behind: $(cat /tmp/difference)"
rm /tmp/listening
echo "nothing is left"
