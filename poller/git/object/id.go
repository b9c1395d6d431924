package object

import (
	"errors"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// ErrSHA256 says that the names of a repository's objects are of the other kind.
var ErrSHA256 = errors.New("the repository uses SHA-256 object names, which kitops cannot read yet")

// ParseID reads the hex of a name.
func ParseID(s string) (plumbing.Hash, bool) {
	s = strings.TrimSpace(s)
	return plumbing.NewHash(s), len(s) == 40 && plumbing.IsHash(s)
}

// ErrTooLarge says that an object is larger than what is taken into memory.
var ErrTooLarge = errors.New("an object is too large")
