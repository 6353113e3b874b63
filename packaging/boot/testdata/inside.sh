#!/usr/bin/env bash
# Runs inside the booted system and writes what happened into /out: NAME.out is
# what the step printed, NAME.rc how it ended. boot_test.go judges.
set -uo pipefail

step() {
  local name=$1
  shift
  timeout 40 "$@" >"/out/$name.out" 2>&1
  echo $? >"/out/$name.rc"
}

# until_true tries a command of this script for ten seconds.
until_true() {
  local deadline=$((SECONDS + 10))
  until "$@"; do
    ((SECONDS < deadline)) || return 1
    sleep 0.1
  done
}

main_pid() { systemctl show -P MainPID clearanced.service; }
restarted() { [[ $(main_pid) != 0 && $(main_pid) != "$1" ]] && systemctl is-active -q clearanced.service; }

unit=/etc/systemd/system/clearanced.service
packaged=/usr/lib/systemd/system/clearanced.service

# A package's unit is there: install must refuse.
printf '[Service]\nExecStart=/bin/true\n' >"$packaged"
step packaged clearanced install
step packaged-left test ! -e "$unit"
rm "$packaged"

# A program that the unit could not start.
cp /usr/local/bin/clearanced /root/clearanced
step hidden /root/clearanced install
step hidden-left test ! -e "$unit"

# What the administrator wrote of providers: one that counts, one that anybody
# could have written.
install -d -m 0755 /etc/clearance/providers.d
profile() { printf '{"id": "%s", "name": "%s", "tracker": {"runs_tracker": "unknown", "confidence": "L"}}' "$1" "$1"; }
profile acme >/etc/clearance/providers.d/acme.json
profile oppo >/etc/clearance/providers.d/oppo.json
chmod 0644 /etc/clearance/providers.d/acme.json
chmod 0666 /etc/clearance/providers.d/oppo.json

step absent clearanced status
step install clearanced install
step unit cat "$unit"
step verify systemd-analyze verify --man=no --recursive-errors=no "$unit"
step enabled systemctl is-enabled clearanced.service
step twice clearanced install
step installed clearanced status
step start clearanced start
step status clearanced status
step show systemctl show clearanced.service -p ActiveState,SubState,NRestarts,DynamicUser,WatchdogUSec,NotifyAccess,Type
step owner bash -c 'stat -c %U /proc/'"$(main_pid)"
step socket bash -c 'test -S /run/clearance/agent.sock && stat -c %a /run/clearance'
step state bash -c 'stat -L -c "%a %U" /var/lib/clearance'

# Killed, it comes back; told to stop, it does not.
before=$(main_pid)
step kill bash -c "(($before > 0)) && kill -9 $before"
until_true restarted "$before"
echo $? >/out/restarted.rc
systemctl status --no-pager clearanced.service >/out/restarted.out 2>&1
step stop clearanced stop
step stopped clearanced status
step result systemctl show clearanced.service -P Result
step uninstall clearanced uninstall
step left test ! -e "$unit"
step gone clearanced status
# The same for one person, without root: a user's own systemd, a program in the
# home folder, no session bus.
useradd --create-home person
uid=$(id -u person)
install -D -o person -m 0755 /usr/local/bin/clearanced /home/person/bin/clearanced
systemctl start user@$uid.service
person_step() {
  local name=$1
  shift
  step "$name" runuser -u person -- env XDG_RUNTIME_DIR=/run/user/$uid "$@"
}
person_step user-install /home/person/bin/clearanced install --user
person_step user-verify systemd-analyze --user verify --man=no --recursive-errors=no /home/person/.config/systemd/user/clearanced.service
person_step user-start /home/person/bin/clearanced start --user
person_step user-status /home/person/bin/clearanced status --user
person_step user-show systemctl --user show clearanced.service -p ActiveState,SubState,NRestarts,Type
person_step user-socket bash -c "test -S /run/user/$uid/clearance/agent.sock && stat -c %a /run/user/$uid/clearance"
person_step user-stop /home/person/bin/clearanced stop --user
person_step user-stopped /home/person/bin/clearanced status --user
person_step user-uninstall /home/person/bin/clearanced uninstall --user
person_step user-left test ! -e /home/person/.config/systemd/user/clearanced.service

# A tracker's service, masked: that it cannot run does not unlink the device.
ln -s /dev/null /etc/systemd/system/prey-agent.service
systemctl daemon-reload
step trackers /usr/local/lib/clearance-boot/detect.test -test.v -test.run TestBooted
person_step user-trackers /usr/local/lib/clearance-boot/detect.test -test.v -test.run TestBooted

step overrides journalctl --no-pager -b -u clearanced.service
step user-overrides journalctl --no-pager -b _UID=$uid
step journal journalctl --no-pager -b
touch /out/finished
