package object

import "fmt"

// Kind is what an object is, in the numbers that packs have, gitformat-pack(5).
type Kind uint8

// The kinds of objects, of which the last two are in packs only.
const (
	KindCommit      Kind = 1
	KindTree        Kind = 2
	KindBlob        Kind = 3
	KindTag         Kind = 4
	KindOffsetDelta Kind = 6
	KindRefDelta    Kind = 7
)

// ParseKind reads the name that stands in an object's head.
func ParseKind(name string) (Kind, error) {
	for _, k := range [...]Kind{KindCommit, KindTree, KindBlob, KindTag} {
		if name == k.String() {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%.20q is no kind of object", name)
}

// String is git's name of it.
func (k Kind) String() string {
	switch k {
	case KindCommit:
		return "commit"
	case KindTree:
		return "tree"
	case KindBlob:
		return "blob"
	case KindTag:
		return "tag"
	case KindOffsetDelta, KindRefDelta:
		return "delta"
	}
	return "unknown"
}
