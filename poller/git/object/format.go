package object

import (
	"crypto/sha1"
	"crypto/sha256"
	"hash"
)

// Format is how a repository names its objects, and what checksums its files
// have: git's extensions.objectFormat. The zero value is SHA-1, as in git.
type Format uint8

// The formats that git knows.
const (
	SHA1 Format = iota
	SHA256
)

const (
	sha1Size   = sha1.Size
	sha256Size = sha256.Size
	maxSize    = sha256Size // bytes, of any format
)

// ParseFormat reads git's name of a format.
func ParseFormat(name string) (Format, bool) {
	for _, f := range [...]Format{SHA1, SHA256} {
		if name == f.String() {
			return f, true
		}
	}
	return SHA1, false
}

// String is git's name of it, in configurations and in the protocol.
func (f Format) String() string {
	if f == SHA256 {
		return "sha256"
	}
	return "sha1"
}

// ConfigVersion is core.repositoryformatversion of a repository.
func (f Format) ConfigVersion() string {
	if f == SHA1 {
		return "0"
	}
	return "1"
}

// ConfigExtension is what its config has besides, as git init writes it.
func (f Format) ConfigExtension() string {
	if f == SHA1 {
		return ""
	}
	return "[extensions]\n\tobjectformat = " + f.String() + "\n"
}

// Size is how many bytes a name has.
func (f Format) Size() int {
	if f == SHA256 {
		return sha256Size
	}
	return sha1Size
}

// HexSize is how many digits a name has.
func (f Format) HexSize() int { return 2 * f.Size() }

// New makes the hash of checksums: it finds damage, not attacks.
func (f Format) New() hash.Hash {
	if f == SHA256 {
		return sha256.New()
	}
	return sha1.New()
}

// Sum is the checksum of a file.
func (f Format) Sum(data []byte) ID {
	id := ID{format: f}
	if f == SHA256 {
		id.raw = sha256.Sum256(data)
		return id
	}
	sum := sha1.Sum(data)
	copy(id.raw[:], sum[:])
	return id
}
