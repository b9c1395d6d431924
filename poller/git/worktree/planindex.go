package worktree

import (
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

// Index is git's index of a work tree that is as planned. found has what is
// known of each file, or is nil. What is below a submodule is not of this
// repository: a submodule is one entry.
func (p *Plan) Index(found []index.FileStat) *index.File {
	b := newIndexer(p, found)
	for i, d := range p.Dirs[1:] {
		b.foreign[i+1] = b.foreign[d.parent] || p.Dirs[d.parent].Mode == object.ModeSubmodule
	}
	return b.index(func(dir int32) bool { return p.Dirs[dir].Mode == object.ModeSubmodule })
}

// Recorded is an index of all that is planned, of submodules as well. A
// submodule is an entry where it is an empty directory. Trees with submodules
// are not known by it, since what is in those is no matter of the tree alone.
// was is where the record that the plan was made from has each file, or nil.
func (p *Plan) Recorded(found []index.FileStat, was []int32) *index.File {
	b := newIndexer(p, found)
	b.was = was
	full := make([]bool, len(p.Dirs))
	for _, f := range p.Files {
		full[f.Dir] = true
	}
	for i := len(p.Dirs) - 1; i > 0; i-- { // what is below comes later
		d := p.Dirs[i]
		full[d.parent] = true
		b.unknown[i] = b.unknown[i] || d.Mode == object.ModeSubmodule
		b.unknown[d.parent] = b.unknown[d.parent] || b.unknown[i]
	}
	return b.index(func(dir int32) bool { return p.Dirs[dir].Mode == object.ModeSubmodule && !full[dir] })
}

// indexer makes an index of a plan.
type indexer struct {
	plan    *Plan
	found   []index.FileStat
	was     []int32
	foreign []bool // of each directory: it is left out
	unknown []bool // of each directory: its tree is not noted
	entries []int  // of each directory, those of directories below included
	below   [][]int32
	trees   []index.Tree
}

func newIndexer(p *Plan, found []index.FileStat) *indexer {
	n := len(p.Dirs)
	return &indexer{plan: p, found: found, foreign: make([]bool, n), unknown: make([]bool, n), entries: make([]int, n), below: make([][]int32, n)}
}

// index makes the index, in which directories that are links are entries.
func (b *indexer) index(link func(dir int32) bool) *index.File {
	p := b.plan
	x := &index.File{Format: p.tree.Format(), Entries: make([]index.Entry, 0, len(p.Files))}
	paths := make([]string, len(p.Dirs))
	for i := int32(1); int(i) < len(p.Dirs); i++ {
		d := p.Dirs[i]
		paths[i] = paths[d.parent] + d.name + "/"
		switch {
		case b.foreign[i]:
		case link(i):
			x.Entries = append(x.Entries, index.Entry{Path: paths[d.parent] + d.name, Mode: object.ModeSubmodule, ID: d.ID})
			b.entries[d.parent]++
		default:
			b.below[d.parent] = append(b.below[d.parent], i)
		}
	}
	for i, f := range p.Files {
		if b.foreign[f.Dir] || link(f.Dir) {
			continue
		}
		e := index.Entry{Mode: f.Mode, ID: f.ID, Convert: uint8(f.Convert)}
		if b.was != nil && b.was[i] >= 0 {
			e.Path = p.known.paths[b.was[i]]
		} else {
			e.Path = paths[f.Dir] + f.Name
		}
		if b.found != nil {
			e.Stat = b.found[i]
		}
		x.Entries = append(x.Entries, e)
		b.entries[f.Dir]++
	}
	sortEntries(x.Entries)
	for i := len(p.Dirs) - 1; i > 0; i-- { // what is below comes later
		b.entries[p.Dirs[i].parent] += b.entries[i]
	}
	b.add(0)
	x.Trees = b.trees
	return x
}

// add notes the tree of a directory and of those below it.
func (b *indexer) add(dir int32) {
	d := b.plan.Dirs[dir]
	t := index.Tree{Name: d.name, Entries: b.entries[dir], Below: len(b.below[dir]), ID: d.ID}
	if b.unknown[dir] {
		t.Entries, t.ID = -1, object.ID{}
	}
	b.trees = append(b.trees, t)
	for _, below := range b.below[dir] {
		b.add(below)
	}
}

// sortEntries puts entries into the order of an index, if they are not.
func sortEntries(entries []index.Entry) {
	byPath := func(a, b index.Entry) int { return strings.Compare(a.Path, b.Path) }
	if !slices.IsSortedFunc(entries, byPath) {
		slices.SortFunc(entries, byPath)
	}
}
