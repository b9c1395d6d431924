package refs

import (
	"strings"
)

// Revision is a ref at a commit.
type Revision struct {
	Ref string // full name, refs/heads/main; HEAD when the remote's HEAD is detached
	SHA string // 40 hex digits, or 64 where the repository has SHA-256
}

// Name is the ref without the prefix that says what kind it is: main.
func (r Revision) Name() string {
	for _, kind := range []string{"refs/heads/", "refs/tags/", "refs/"} {
		if name, ok := strings.CutPrefix(r.Ref, kind); ok {
			return name
		}
	}
	return r.Ref
}
