package git

import (
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

// index is git's index of a work tree that is as planned. found has what is
// known of each file, or is nil. What is below a submodule is not of this
// repository: a submodule is one entry.
func (p *plan) index(found []fileStat) *indexFile {
	b := newIndexer(p, found)
	for i, d := range p.dirs[1:] {
		b.foreign[i+1] = b.foreign[d.parent] || p.dirs[d.parent].mode == modeSubmodule
	}
	return b.index(func(dir int32) bool { return p.dirs[dir].mode == modeSubmodule })
}

// recorded is an index of all that is planned, of submodules as well. A
// submodule is an entry where it is an empty directory. Trees with submodules
// are not known by it, since what is in those is no matter of the tree alone.
// was is where the record that the plan was made from has each file, or nil.
func (p *plan) recorded(found []fileStat, was []int32) *indexFile {
	b := newIndexer(p, found)
	b.was = was
	full := make([]bool, len(p.dirs))
	for _, f := range p.files {
		full[f.dir] = true
	}
	for i := len(p.dirs) - 1; i > 0; i-- { // what is below comes later
		d := p.dirs[i]
		full[d.parent] = true
		b.unknown[i] = b.unknown[i] || d.mode == modeSubmodule
		b.unknown[d.parent] = b.unknown[d.parent] || b.unknown[i]
	}
	return b.index(func(dir int32) bool { return p.dirs[dir].mode == modeSubmodule && !full[dir] })
}

// indexer makes an index of a plan.
type indexer struct {
	plan    *plan
	found   []fileStat
	was     []int32
	foreign []bool // of each directory: it is left out
	unknown []bool // of each directory: its tree is not noted
	entries []int  // of each directory, those of directories below included
	below   [][]int32
	trees   []indexTree
}

func newIndexer(p *plan, found []fileStat) *indexer {
	n := len(p.dirs)
	return &indexer{plan: p, found: found, foreign: make([]bool, n), unknown: make([]bool, n), entries: make([]int, n), below: make([][]int32, n)}
}

// index makes the index, in which directories that are links are entries.
func (b *indexer) index(link func(dir int32) bool) *indexFile {
	p := b.plan
	x := &indexFile{entries: make([]indexEntry, 0, len(p.files))}
	paths := make([]string, len(p.dirs))
	for i := int32(1); int(i) < len(p.dirs); i++ {
		d := p.dirs[i]
		paths[i] = paths[d.parent] + d.name + "/"
		switch {
		case b.foreign[i]:
		case link(i):
			x.entries = append(x.entries, indexEntry{path: paths[d.parent] + d.name, mode: modeSubmodule, id: d.id})
			b.entries[d.parent]++
		default:
			b.below[d.parent] = append(b.below[d.parent], i)
		}
	}
	for i, f := range p.files {
		if b.foreign[f.dir] || link(f.dir) {
			continue
		}
		e := indexEntry{mode: f.mode, id: f.id, convert: f.convert}
		if b.was != nil && b.was[i] >= 0 {
			e.path = p.known.paths[b.was[i]]
		} else {
			e.path = paths[f.dir] + f.name
		}
		if b.found != nil {
			e.stat = b.found[i]
		}
		x.entries = append(x.entries, e)
		b.entries[f.dir]++
	}
	sortEntries(x.entries)
	for i := len(p.dirs) - 1; i > 0; i-- { // what is below comes later
		b.entries[p.dirs[i].parent] += b.entries[i]
	}
	b.add(0)
	x.trees = b.trees
	return x
}

// add notes the tree of a directory and of those below it.
func (b *indexer) add(dir int32) {
	d := b.plan.dirs[dir]
	t := indexTree{name: d.name, entries: b.entries[dir], below: len(b.below[dir]), id: d.id}
	if b.unknown[dir] {
		t.entries, t.id = -1, plumbing.ZeroHash
	}
	b.trees = append(b.trees, t)
	for _, below := range b.below[dir] {
		b.add(below)
	}
}

// sortEntries puts entries into the order of an index, if they are not.
func sortEntries(entries []indexEntry) {
	byPath := func(a, b indexEntry) int { return strings.Compare(a.path, b.path) }
	if !slices.IsSortedFunc(entries, byPath) {
		slices.SortFunc(entries, byPath)
	}
}
