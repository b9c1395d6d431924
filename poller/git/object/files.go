package object

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// Names of files in a git directory, of gitrepository-layout(5).
const (
	PackedRefs = "packed-refs"
	Shallow    = "shallow"
	TmpPrefix  = "tmp_" // begins the names of files that are not complete yet
)

// ValidRef says whether git would give a ref this name.
func ValidRef(ref string) bool {
	return plumbing.ReferenceName(ref).Validate() == nil && strings.HasPrefix(ref, "refs/")
}
