package object

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
)

// ID is the name of an object. It knows its format, and two of different
// formats are never equal. The zero value names nothing.
type ID struct {
	raw    [maxSize]byte // the first of them, by format; the others are 0
	format Format
}

// ParseID reads a name in hex: 40 digits are SHA-1, 64 are SHA-256.
func ParseID(s string) (ID, bool) {
	if f := SHA256; len(strings.TrimSpace(s)) == f.HexSize() {
		return f.ParseID(s)
	}
	return SHA1.ParseID(s)
}

// ParseID reads a name in hex that is of this format.
func (f Format) ParseID(s string) (ID, bool) {
	s = strings.TrimSpace(s)
	if len(s) != f.HexSize() {
		return ID{}, false
	}
	id := ID{format: f}
	_, err := hex.Decode(id.raw[:], []byte(s))
	return id, err == nil
}

// Is says whether id is a name in this format.
func (f Format) Is(id ID) bool { return id.format == f }

// ID takes a name from the beginning of what a file or a server holds. It
// panics where that is shorter, as copying from a slice would.
func (f Format) ID(raw []byte) ID {
	id := ID{format: f}
	copy(id.raw[:], raw[:f.Size()])
	return id
}

// IDOf is ID of a text.
func (f Format) IDOf(raw string) ID {
	id := ID{format: f}
	copy(id.raw[:f.Size()], raw)
	return id
}

// IsZero says whether id names nothing.
func (id ID) IsZero() bool { return id.raw == [maxSize]byte{} }

// Format is how the name was made.
func (id ID) Format() Format { return id.format }

// Size is how many bytes the name has.
func (id ID) Size() int { return id.format.Size() }

// Bytes are the name as files have it.
func (id ID) Bytes() []byte { return id.raw[:id.format.Size()] }

// AppendTo appends the bytes of the name.
func (id ID) AppendTo(out []byte) []byte { return append(out, id.raw[:id.format.Size()]...) }

// AppendAs appends the bytes of a name in a format, be it that of none.
func (id ID) AppendAs(f Format, out []byte) []byte { return append(out, id.raw[:f.Size()]...) }

// First is the first byte, by which indexes have their fan-out.
func (id ID) First() byte { return id.raw[0] }

// Compare orders names of one format as packs' indexes do.
func (id ID) Compare(other ID) int { return bytes.Compare(id.raw[:], other.raw[:]) }

// CompareBytes orders id and a name as files have it, of the same format.
func (id ID) CompareBytes(raw []byte) int {
	return bytes.Compare(id.raw[:id.format.Size()], raw)
}

// String is the name in hex.
func (id ID) String() string { return hex.EncodeToString(id.raw[:id.format.Size()]) }

// ErrTooLarge says that an object is larger than what is taken into memory.
var ErrTooLarge = errors.New("an object is too large")

// ErrMissing says that an object is not there.
var ErrMissing = errors.New("object not found")
