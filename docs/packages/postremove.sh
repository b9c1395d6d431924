#!/bin/sh
# After the files went. Only dpkg --purge takes what kitops has kept: tasks, keys, state
# and clones. The users stay, since files may be theirs.
set -e

if [ "$1" = purge ]; then
	rm -rf /etc/kitops /var/lib/kitops /var/cache/kitops
fi
if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
