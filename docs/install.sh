#!/bin/sh
# Puts the program kitops of a release into a directory, /usr/local/bin or ~/.local/bin.
# It asks no package manager, starts nothing, and changes no other file:
#
#   curl -fsSL https://github.com/bittrance/kitops/releases/latest/download/install.sh | sh
#   sh install.sh --help
set -eu

releases=https://github.com/bittrance/kitops/releases
# The keys that releases are signed with, as in cmd/kitops/release/keys.txt.
keys=''

say() { echo "kitops: $*" >&2; }
fail() {
	say "$*"
	exit 1
}
have() { command -v "$1" >/dev/null 2>&1; }

usage() {
	cat <<-'END'
		usage: install.sh [--version V] [--dir DIR] [--from URL or DIR] [--key KEY]
		                  [--require-signature] [--dry-run]

		  --version V           this version (default: the latest)
		  --dir DIR             where the program goes (default: /usr/local/bin for root,
		                        else ~/.local/bin)
		  --from URL or DIR     the files of a release from there, not from GitHub
		  --key KEY             the key that must have signed, as minisign writes it
		  --require-signature   stop where nothing can verify the signature
		  --dry-run             say what would be done, and change nothing
	END
}

# platform prints the system and machine as the archives are named.
platform() {
	system=$(uname -s) machine=$(uname -m) bits=64
	have getconf && bits=$(getconf LONG_BIT 2>/dev/null || echo 64)
	case $system in
	Linux) os=linux ;;
	Darwin) os=darwin ;;
	FreeBSD) os=freebsd ;;
	*) fail "there is no program for $system here: see $releases" ;;
	esac
	case $machine in
	x86_64 | amd64) arch=amd64 ;;
	aarch64 | arm64)
		arch=arm64
		[ "$bits" != 32 ] || arch=armv7 # a 32-bit system on a 64-bit kernel
		;;
	armv7* | armv8*) arch=armv7 ;;
	armv6* | armv5*) fail "$machine is too old: the program for 32-bit ARM needs ARMv7, as in a Raspberry Pi 2 or later" ;;
	riscv64) arch=riscv64 ;;
	*) fail "there is no program for $machine: build one with Go, see https://github.com/bittrance/kitops" ;;
	esac
	# A shell that Rosetta translates says x86_64 on an arm64 Mac.
	if [ $os = darwin ] && [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then
		arch=arm64
	fi
	echo "${os}_$arch"
}

# fetch gets a file of the release that is named: latest, or v and a version.
fetch() {
	case $from in
	'')
		case $1 in
		latest) address=$releases/latest/download/$2 ;;
		*) address=$releases/download/$1/$2 ;;
		esac
		;;
	*://*) address=${from%/}/$2 ;;
	*)
		cp "$from/$2" "$work/$2" || fail "$from has no $2"
		return
		;;
	esac
	if have curl; then
		curl -fsSL --retry 2 -o "$work/$2" "$address" || fail "cannot get $address"
	elif have wget; then
		wget -q -O "$work/$2" "$address" || fail "cannot get $address"
	else
		fail "curl or wget is needed"
	fi
}

# digest prints the SHA-256 of a file.
digest() {
	if have sha256sum; then
		sha256sum "$1"
	elif have shasum; then
		shasum -a 256 "$1"
	elif have sha256; then
		sha256 -q "$1"
	elif have openssl; then
		openssl dgst -sha256 -r "$1"
	else
		fail "one of sha256sum, shasum, sha256, openssl is needed"
	fi | cut -d ' ' -f 1
}

# signed has one of the keys have signed the list of the files. It fails if none has, and
# says so in one line where nothing can tell.
signed() {
	missing=
	if [ -z "$keys" ]; then
		missing="this script knows no key: name one by --key"
	elif have minisign; then
		tool=minisign
	elif have openssl && openssl version | grep -q '^OpenSSL [3-9]'; then
		tool=openssl
	else
		missing="neither minisign nor OpenSSL 3 is here"
	fi
	if [ -n "$missing" ]; then
		[ "$require" = no ] || fail "the signature was not verified: $missing"
		say "the signature was not verified, only the checksum: $missing"
		return
	fi
	fetch "$tag" checksums.txt.minisig
	for key in $keys; do
		! verified "$key" || return 0
	done
	fail "checksums.txt is not signed by a key of kitops' releases"
}

verified() {
	if [ "$tool" = minisign ]; then
		minisign -V -q -P "$1" -m "$work/checksums.txt" >/dev/null 2>&1
		return
	fi
	# The last bytes of a key and of a signature are Ed25519's; before the key goes what RFC 8410 wants.
	{
		printf '\060\052\060\005\006\003\053\145\160\003\041\000'
		echo "$1" | openssl base64 -d | tail -c 32
	} >"$work/key"
	sed -n 2p "$work/checksums.txt.minisig" | openssl base64 -d -A | tail -c 64 >"$work/signature"
	openssl pkeyutl -verify -pubin -inkey "$work/key" -keyform DER -rawin -in "$work/checksums.txt" -sigfile "$work/signature" >/dev/null 2>&1
}

main() {
	tag=latest dir='' from='' require=no dry=no
	while [ $# -gt 0 ]; do
		case $1 in
		--version | --dir | --from | --key) [ $# -gt 1 ] || fail "$1 needs a value" ;;
		esac
		case $1 in
		--version) tag=v${2#v} && shift ;;
		--dir) dir=$2 && shift ;;
		--from) from=$2 && shift ;;
		--key) keys=$2 && shift ;;
		--require-signature) require=yes ;;
		--dry-run) dry=yes ;;
		--help | -h) usage && exit 0 ;;
		*) usage >&2 && exit 2 ;;
		esac
		shift
	done
	case $from in http://*) require=yes ;; esac # anybody on the way could change all of it
	if [ -z "$dir" ]; then
		dir=${HOME:-}/.local/bin
		[ "$(id -u)" != 0 ] || dir=/usr/local/bin
	fi
	platform=$(platform)

	work=$(mktemp -d) new=
	trap 'rm -rf "$work" ${new:+"$new"}' EXIT
	trap 'exit 1' HUP INT TERM
	fetch "$tag" checksums.txt
	signed
	# The names carry version and platform, so that these are signed, too.
	line=$(grep -E "^[0-9a-f]{64}  kitops_[0-9][0-9A-Za-z.+-]*_$platform\.tar\.gz\$" "$work/checksums.txt") || fail "there is no program for $platform in this release"
	name=${line#*  }
	version=${name#kitops_}
	version=${version%"_$platform.tar.gz"}
	[ "$tag" = latest ] || [ "$tag" = "v$version" ] || fail "asked for $tag, and this is the release v$version"
	if [ $dry = yes ]; then
		say "would put kitops $version for $platform into $dir"
		return
	fi
	fetch "v$version" "$name"
	[ "$(digest "$work/$name")" = "${line%%  *}" ] || fail "$name is not the file that was released: its checksum differs"
	tar xzf "$work/$name" -C "$work" "${name%.tar.gz}/kitops"

	mkdir -p "$dir"
	[ ! -d "$dir/kitops" ] || fail "$dir/kitops is a directory: name another by --dir"
	new=$dir/.kitops.$$
	cp "$work/${name%.tar.gz}/kitops" "$new"
	chmod 0755 "$new"
	# It must run here before it replaces one that does.
	said=$("$new" --version) || fail "the program does not run on this machine; $dir is as it was"
	mv -f "$new" "$dir/kitops"
	new=
	say "$dir/kitops is $said"
	case :$PATH: in
	*":$dir:"*) ;;
	*) say "$dir is not in your PATH" ;;
	esac
}

main "$@" # the last line, so that a script that is cut off does nothing
