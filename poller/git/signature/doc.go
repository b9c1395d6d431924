// Package signature tells who signed a commit or a tag.
//
// An object is refused that has more than one signature, of whatever kind: which of them counts would be a matter of who
// reads it. Of OpenPGP keys and signatures the time that counts is now, of SSH keys it is that of the commit or tag, both
// as with git.
package signature
