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
step journal journalctl --no-pager -b -u clearanced.service
touch /out/finished
