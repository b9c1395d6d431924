package refs

import (
	"encoding/hex"
	"slices"
	"strings"
)

const (
	firstBlock = 1 << 10 // bytes of the texts of a list that are together
	mostBlock  = 64 << 10
)

// List is refs by name, each once. A server may list a million of them, so that
// it is what all who know of them share: it is never changed.
type List []Revision

// Find says where a ref is.
func (l List) Find(name string) (sha string, ok bool) {
	i, ok := slices.BinarySearchFunc(l, name, func(r Revision, name string) int { return strings.Compare(r.Ref, name) })
	if !ok {
		return "", false
	}
	return l[i].SHA, true
}

// Listing makes a list. Its texts are parts of larger ones, which takes half of
// the room that each for itself would.
type Listing struct {
	list List
	text strings.Builder
	next int // size of the next block
}

// Len is how many refs were added.
func (l *Listing) Len() int { return len(l.list) }

// Add takes in a ref and the name of the object that it is at, in bytes. Of two
// with one name the later one counts.
func (l *Listing) Add(name string, id []byte) {
	var digits [64]byte
	size := hex.Encode(digits[:], id)
	if l.text.Cap()-l.text.Len() < len(name)+size {
		l.next = min(max(2*l.next, firstBlock), mostBlock)
		l.text = strings.Builder{}
		l.text.Grow(max(l.next, len(name)+size))
	}
	at := l.text.Len()
	_, _ = l.text.WriteString(name) // a builder takes all
	_, _ = l.text.Write(digits[:size])
	text := l.text.String()[at:]
	l.list = append(l.list, Revision{Ref: text[:len(name)], SHA: text[len(name):]})
}

// List is what was added, in order.
func (l *Listing) List() List {
	byRef := func(a, b Revision) int { return strings.Compare(a.Ref, b.Ref) }
	if !slices.IsSortedFunc(l.list, byRef) {
		slices.SortStableFunc(l.list, byRef)
	}
	slices.Reverse(l.list) // so that the last of those with one name is the first
	l.list = slices.CompactFunc(l.list, func(a, b Revision) bool { return a.Ref == b.Ref })
	slices.Reverse(l.list)
	return l.list
}

// Sieve is a list without the names that Valid refuses. It also returns how many
// those were, and the first of them.
func (l List) Sieve() (valid List, out int, example string) {
	valid = l.only(func(r Revision) bool {
		if Valid(r.Ref) {
			return true
		}
		if example == "" {
			example = r.Ref
		}
		return false
	})
	return valid, len(l) - len(valid), example
}

// Select are the refs of a list that patterns select.
func (l List) Select(p Patterns) List {
	return l.only(func(r Revision) bool {
		matched, _ := p.Match(r.Ref)
		return matched
	})
}

// only is a part of a list, or that itself if it is all.
func (l List) only(wanted func(Revision) bool) List {
	for i, r := range l {
		if wanted(r) {
			continue
		}
		part := slices.Clone(l[:i])
		for _, r := range l[i:] {
			if wanted(r) {
				part = append(part, r)
			}
		}
		return part
	}
	return l[:len(l):len(l)]
}
