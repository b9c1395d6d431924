#!/bin/sh
# After the files came. Nothing is enabled, started or restarted here: what was stopped
# stays stopped, and a kitops that runs takes the new program once no action runs, since
# one of its actions may be what installs this package.
set -e

if [ -d /run/systemd/system ]; then
	systemctl daemon-reload || true
fi
