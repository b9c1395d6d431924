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

// IsTag tells whether the ref is a tag.
func (r Revision) IsTag() bool { return strings.HasPrefix(r.Ref, "refs/tags/") }

// Meant are the refs that a person may mean by a name, the likelier ones first: of
// v1 a branch, else a tag; 7 and pull/7 are a pull request.
func Meant(name string) []string {
	if strings.HasPrefix(name, "refs/") || name == Head {
		return []string{name}
	}
	number := strings.TrimPrefix(strings.TrimPrefix(name, "pull/"), "#")
	return []string{"refs/heads/" + name, "refs/tags/" + name, "refs/" + name, "refs/pull/" + number + "/head"}
}
