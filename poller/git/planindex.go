package git

import (
	"cmp"
	"slices"
)

// index is the index of a work tree that is as planned. found has what is known
// of each file, or is nil. What is below a submodule is not of this repository:
// a submodule is one entry.
func (p *plan) index(found []fileStat) *indexFile {
	x := &indexFile{entries: make([]indexEntry, 0, len(p.files))}
	b := indexTrees{plan: p, entries: make([]int, len(p.dirs)), below: make([][]int32, len(p.dirs))}
	foreign := make([]bool, len(p.dirs))
	paths := make([]string, len(p.dirs))
	for i, d := range p.dirs {
		if i == 0 {
			continue
		}
		paths[i] = paths[d.parent] + d.name + "/"
		foreign[i] = foreign[d.parent] || p.dirs[d.parent].mode == modeSubmodule
		switch {
		case foreign[i]:
		case d.mode == modeSubmodule:
			x.entries = append(x.entries, indexEntry{path: paths[d.parent] + d.name, mode: d.mode, id: d.id})
			b.entries[d.parent]++
		default:
			b.below[d.parent] = append(b.below[d.parent], int32(i))
		}
	}
	for i, f := range p.files {
		if foreign[f.dir] || p.dirs[f.dir].mode == modeSubmodule {
			continue
		}
		e := indexEntry{path: paths[f.dir] + f.name, mode: f.mode, id: f.id}
		if found != nil {
			e.stat = found[i]
		}
		x.entries = append(x.entries, e)
		b.entries[f.dir]++
	}
	byPath := func(a, b indexEntry) int { return cmp.Compare(a.path, b.path) }
	if !slices.IsSortedFunc(x.entries, byPath) {
		slices.SortFunc(x.entries, byPath)
	}
	for i := len(p.dirs) - 1; i > 0; i-- { // what is below comes later
		b.entries[p.dirs[i].parent] += b.entries[i]
	}
	b.add(0)
	x.trees = b.trees
	return x
}

// indexTrees finds the trees of a plan, depth first.
type indexTrees struct {
	plan    *plan
	entries []int // of each directory, those of directories below included
	below   [][]int32
	trees   []indexTree
}

func (b *indexTrees) add(dir int32) {
	d := b.plan.dirs[dir]
	b.trees = append(b.trees, indexTree{name: d.name, entries: b.entries[dir], below: len(b.below[dir]), id: d.id})
	for _, below := range b.below[dir] {
		b.add(below)
	}
}
