#!/usr/bin/env bash
# Boots this machine's own system in a container and runs what boot_test.go laid
# into it: boot.sh WORK, where WORK holds clearanced, inside.sh and out/. It runs
# in a mount namespace of its own (unshare), so that every mount goes with it.
set -euo pipefail
work=$1

mkdir "$work/layer"
mount -t tmpfs -o mode=0755 tmpfs "$work/layer"
mkdir "$work/layer/upper" "$work/layer/work" "$work/layer/root"
mount -t overlay -o "lowerdir=/,upperdir=$work/layer/upper,workdir=$work/layer/work" overlay "$work/layer/root"
root=$work/layer/root

install -D -m 0755 "$work/clearanced" "$root/usr/local/bin/clearanced"
install -D -m 0755 "$work/detect.test" "$root/usr/local/lib/clearance-boot/detect.test"
install -D -m 0755 "$work/inside.sh" "$root/usr/local/lib/clearance-boot/inside.sh"
rm -f "$root/etc/machine-id" "$root/etc/resolv.conf"
touch "$root/etc/machine-id"
cat >"$root/etc/systemd/system/clearance-boot.service" <<'EOF'
[Unit]
Description=The test of this boot
After=multi-user.target dbus.service
FailureAction=exit
SuccessAction=exit

[Service]
Type=oneshot
ExecStart=/usr/local/lib/clearance-boot/inside.sh
TimeoutStartSec=120
EOF
cat >"$root/etc/systemd/system/clearance-boot.target" <<'EOF'
[Unit]
Description=What the test of this boot needs
Requires=basic.target dbus.service
Wants=clearance-boot.service
After=basic.target
AllowIsolate=yes
EOF

exec systemd-nspawn -q -D "$root" --register=no --keep-unit --private-network \
  --bind="$work/out:/out" -b systemd.unit=clearance-boot.target systemd.log_level=warning
