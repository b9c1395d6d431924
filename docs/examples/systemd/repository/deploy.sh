#!/bin/sh
# Puts what make has built into a folder of its own, then switches to it in one step.
set -eu
release=$ROOT/releases/$KITOPS_SHA
if [ ! -d "$release" ]; then
	rm -rf "$release.new"
	mkdir -p "$release.new/bin"
	cp bin/shop "$release.new/bin/shop"
	mv "$release.new" "$release"
fi
ln -sfn "releases/$KITOPS_SHA" "$ROOT/current.new"
mv -T "$ROOT/current.new" "$ROOT/current"
touch "$release"
ls -1dt "$ROOT"/releases/* | tail -n +6 | xargs -r rm -rf
echo "$KITOPS_SHA" >"$ROOT/revision" # shop-restart.path restarts the shop
