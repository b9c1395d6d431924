// Package release is the format of a release's signed text.
//
// A release has one text, checksums.txt, with a line for each of its files: the
// SHA-256 in hex, two spaces, the name, as sha256sum(1) reads it. Programs are
// in archives named kitops_VERSION_OS_ARCH.tar.gz (.zip for Windows), so that
// the text says of which version and platform each one is: a mirror cannot pass
// off an old release, or another platform's, as the one that was asked for.
//
// The signature stands beside it, checksums.txt.minisig, as minisign(1) writes
// it: Ed25519 over the text itself (not over its hash), which openssl(1) can
// verify as well, and over the trusted comment. Either of two keys will do, the
// one of now and the next one: losing one does not end all updates.
//
// What [Verify] returns is what was signed. All foreign bytes are bounded.
package release
