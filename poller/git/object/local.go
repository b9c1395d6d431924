package object

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

func ParseID(s string) (plumbing.Hash, bool) {
	s = strings.TrimSpace(s)
	return plumbing.NewHash(s), len(s) == 40 && plumbing.IsHash(s)
}
