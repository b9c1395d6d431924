#!/bin/sh
# Before the files come: the group that may read the tasks, and the user of actions.
# Called by dpkg with install or upgrade, by rpm with a count, by apk with a version.
set -e

if ! getent group kitops >/dev/null; then
	if command -v groupadd >/dev/null; then
		groupadd --system kitops
	else # BusyBox
		addgroup -S kitops
	fi
fi
if ! getent passwd kitops-actions >/dev/null; then
	if command -v useradd >/dev/null; then
		useradd --system --user-group --shell /usr/sbin/nologin --home-dir /var/lib/kitops-actions --create-home kitops-actions
	else
		addgroup -S kitops-actions
		adduser -S -D -s /sbin/nologin -h /var/lib/kitops-actions -G kitops-actions kitops-actions
	fi
fi
