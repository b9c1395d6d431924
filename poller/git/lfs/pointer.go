package lfs

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// MaxPointer is how large a pointer file may be, in bytes, by its specification.
const MaxPointer = 1024

// Pointer is what a pointer file says of a content.
type Pointer struct {
	OID  string // its SHA-256, in hex
	Size int64

	// Extended says that programs have changed the content before it was stored. What they did is not known here.
	Extended bool
}

// ObjectError concerns one content.
type ObjectError struct {
	OID string
	Err error
}

func (e *ObjectError) Error() string { return fmt.Sprintf("Git LFS object %s: %v", e.OID, e.Err) }
func (e *ObjectError) Unwrap() error { return e.Err }

func (p Pointer) wrong(format string, args ...any) error {
	return &ObjectError{p.OID, fmt.Errorf(format, args...)}
}

// The words of a pointer file, and those of the time before it had a specification.
var (
	oidPattern       = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[0-9a-f]{64}$`) })
	extensionPattern = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^ext-[0-9]-\w+`) })
)

// versions are those that are read.
func versions(v string) bool {
	return v == "https://git-lfs.github.com/spec/v1" || v == "https://hawser.github.com/spec/v1" || v == "http://git-media.io/v/2"
}

// Parse reads a pointer file. It takes what git-lfs takes: any other content is no pointer.
func Parse(data []byte) (p Pointer, ok bool) {
	if len(data) > MaxPointer {
		return p, false
	}
	values := map[string]string{}
	keys := []string{"version", "oid", "size"}
	for line := range strings.SplitSeq(string(bytes.TrimSpace(data)), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue
		}
		key, value, found := strings.Cut(line, " ")
		switch {
		case !found || len(keys) == 0:
			return p, false
		case key == keys[0]:
			values[key], keys = value, keys[1:]
		case extensionPattern().MatchString(key):
			p.Extended = true
		default:
			return p, false
		}
	}
	oid, isSHA256 := strings.CutPrefix(values["oid"], "sha256:")
	size, err := strconv.ParseInt(values["size"], 10, 64)
	if !versions(values["version"]) || !isSHA256 || !oidPattern().MatchString(oid) || err != nil || size < 0 {
		return p, false
	}
	p.OID, p.Size = oid, size
	return p, true
}
