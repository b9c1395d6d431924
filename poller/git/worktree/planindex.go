package worktree

import (
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

// Index is git's index of a part of a work tree that is as planned. found has what
// is known of each file of the plan, or is nil. A submodule is one entry.
func (p *Plan) Index(part Part, found []index.FileStat) *index.File {
	b := newIndexer(p, part, found)
	return b.index(func(dir int32) bool { return p.Dirs[dir].Mode == object.ModeSubmodule })
}

// Recorded is an index of all that is planned, of submodules as well. A
// submodule is an entry where it is an empty directory. Trees with submodules
// are not known by it, since what is in those is no matter of the tree alone.
// was is where the record that the plan was made from has each file, or nil.
func (p *Plan) Recorded(found []index.FileStat, was []int32) *index.File {
	b := newIndexer(p, p.Whole(), found)
	b.was = was
	full := make([]bool, len(p.Dirs))
	for _, f := range p.Files {
		full[f.Dir] = true
	}
	for i := len(p.Dirs) - 1; i > 0; i-- { // what is below comes later
		d := p.Dirs[i]
		full[d.parent] = true
		b.unknown[i] = b.unknown[i] || d.partial || d.Mode == object.ModeSubmodule
		b.unknown[d.parent] = b.unknown[d.parent] || b.unknown[i]
	}
	b.unknown[0] = b.unknown[0] || p.Dirs[0].partial
	return b.index(func(dir int32) bool { return p.Dirs[dir].Mode == object.ModeSubmodule && !full[dir] })
}

// indexer makes an index of a part of a plan. Its directories are numbered from
// the root on, which is 0.
type indexer struct {
	Part
	plan    *Plan
	found   []index.FileStat
	was     []int32
	unknown []bool // of each directory: its tree is not noted
	entries []int  // of each directory, those of directories below included
	below   [][]int32
	trees   []index.Tree
}

func newIndexer(p *Plan, part Part, found []index.FileStat) *indexer {
	n := part.Dirs.End - part.Dirs.Begin + 1
	return &indexer{Part: part, plan: p, found: found, unknown: make([]bool, n), entries: make([]int, n), below: make([][]int32, n)}
}

// number is that of a directory of the plan.
func (b *indexer) number(dir int32) int32 {
	if dir == b.Root {
		return 0
	}
	return dir - int32(b.Dirs.Begin) + 1
}

// dir is the directory of the plan that has a number, but for the root.
func (b *indexer) dir(number int32) int32 { return number + int32(b.Dirs.Begin) - 1 }

// index makes the index, in which directories that are links are entries.
func (b *indexer) index(link func(dir int32) bool) *index.File {
	p := b.plan
	x := &index.File{Format: b.Tree.Format(), Entries: make([]index.Entry, 0, b.Files.End-b.Files.Begin)}
	paths := make([]string, len(b.entries))
	for i := int32(1); int(i) < len(paths); i++ {
		d := p.Dirs[b.dir(i)]
		above := b.number(d.parent)
		paths[i] = paths[above] + d.name + "/"
		if link(b.dir(i)) {
			x.Entries = append(x.Entries, index.Entry{Path: paths[above] + d.name, Mode: object.ModeSubmodule, ID: d.ID})
			b.entries[above]++
		} else {
			b.below[above] = append(b.below[above], i)
		}
	}
	for i := b.Files.Begin; i < b.Files.End; i++ {
		f := p.Files[i]
		if f.Dir == b.Root && f.IsLink() {
			continue
		}
		e := index.Entry{Mode: f.Mode, ID: f.ID, Convert: uint8(f.Convert)}
		if b.was != nil && b.was[i] >= 0 {
			e.Path = p.known.paths[b.was[i]]
		} else {
			e.Path = paths[b.number(f.Dir)] + f.Name
		}
		if b.found != nil {
			e.Stat = b.found[i]
		}
		x.Entries = append(x.Entries, e)
		b.entries[b.number(f.Dir)]++
	}
	sortEntries(x.Entries)
	for i := int32(len(paths)) - 1; i > 0; i-- { // what is below comes later
		b.entries[b.number(p.Dirs[b.dir(i)].parent)] += b.entries[i]
	}
	b.add(0)
	x.Trees = b.trees
	return x
}

// add notes the tree of a directory and of those below it.
func (b *indexer) add(number int32) {
	t := index.Tree{Entries: b.entries[number], Below: len(b.below[number]), ID: b.Tree}
	if number > 0 {
		d := b.plan.Dirs[b.dir(number)]
		t.Name, t.ID = d.name, d.ID
	}
	if b.unknown[number] {
		t.Entries, t.ID = -1, object.ID{}
	}
	b.trees = append(b.trees, t)
	for _, below := range b.below[number] {
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
