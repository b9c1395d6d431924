#!/bin/sh
# Before the files go. dpkg says remove, rpm how many of this package stay, apk nothing
# but the version; at an upgrade nothing is stopped.
set -e

case $1 in
upgrade | failed-upgrade | deconfigure | 1) exit 0 ;;
esac
if [ -d /run/systemd/system ]; then
	systemctl disable --now kitops.service || true
fi
