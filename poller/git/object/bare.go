package object

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const TmpPrefix = "tmp_"

const PackedRefs = "packed-refs"

const Shallow = "shallow"

// ValidRef says whether git would give a ref this name.
func ValidRef(ref string) bool {
	return plumbing.ReferenceName(ref).Validate() == nil && strings.HasPrefix(ref, "refs/")
}
