package worktree

import (
	"slices"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/object"
)

// lookup is the number of a directory in one that has a number, as planDir.was
// has it.
func (r *Record) lookup(parent int32, name string) int32 {
	if r == nil || parent == 0 {
		return 0
	}
	if dir, ok := r.child[dirName{parent - 1, name}]; ok {
		return dir + 1
	}
	return 0
}

// copyKnown plans what is below a directory from the record, if that has the
// same tree there.
func (p *Plan) copyKnown(dir int32, id object.ID) bool {
	if p.known == nil || p.Dirs[dir].was == 0 {
		return false
	}
	was := p.Dirs[dir].was - 1
	if known := p.known.plan.Dirs[was]; id.IsZero() || known.ID != id || known.Mode != object.ModeDir {
		return false
	}
	s := p.known.spans[was]
	moved := int32(len(p.Dirs)) - was - 1 // what follows the directory itself
	place := func(old int32) int32 {
		if old == was {
			return dir
		}
		return old + moved
	}
	for i := was + 1; i < s.endDir; i++ {
		d := p.known.plan.Dirs[i]
		d.parent, d.was = place(d.parent), i+1
		p.Dirs = append(p.Dirs, d)
	}
	p.Files = slices.Grow(p.Files, int(s.endFile-s.firstFile))
	for i := s.firstFile; i < s.endFile; i++ {
		f := p.known.plan.Files[i]
		f.Dir, f.Convert = place(f.Dir), 0
		if f.Name == attributes.FileName {
			p.attributes = append(p.attributes, int32(len(p.Files)))
		}
		p.Files = append(p.Files, f)
	}
	return true
}

// groups are numbers by what they belong to.
type groups struct{ from, members []int32 }

// of are the members of a group, in order.
func (g groups) of(group int32) []int32 { return g.members[g.from[group]:g.from[group+1]] }

// group puts count numbers into groups.
func group(count, into int, of func(i int) int32) groups {
	g := groups{from: make([]int32, into+1), members: make([]int32, count)}
	for i := range count {
		g.from[of(i)+1]++
	}
	for i := range into {
		g.from[i+1] += g.from[i]
	}
	next := slices.Clone(g.from)
	for i := range count {
		to := &next[of(i)]
		g.members[*to] = int32(i)
		*to++
	}
	return g
}

// filesIn are the files of each directory, by name.
func (p *Plan) filesIn() groups {
	return group(len(p.Files), len(p.Dirs), func(i int) int32 { return p.Files[i].Dir })
}

// dirsIn are the directories in each directory. The first counts itself.
func (p *Plan) dirsIn() groups {
	return group(len(p.Dirs), len(p.Dirs), func(i int) int32 { return p.Dirs[i].parent })
}

// Match finds the files of a plan in the record that it was made from.
type match struct {
	files groups    // of the plan, by directory
	was   []int32   // of each file of the plan: its number in the record, -1: none
	stale [][]int32 // of each directory of the record: the files that are not planned
	live  []bool    // of each directory of the record: it is planned
}

// match pairs the files of the plan with those of the record that it was made upon.
func (p *Plan) match() *match {
	old := p.known.plan
	olds := old.filesIn()
	m := &match{
		files: p.filesIn(), was: make([]int32, len(p.Files)),
		stale: make([][]int32, len(old.Dirs)), live: make([]bool, len(old.Dirs)),
	}
	for i := range old.Dirs {
		m.stale[i] = olds.of(int32(i))
	}
	for i, d := range p.Dirs {
		var before []int32
		if d.was > 0 {
			m.live[d.was-1] = true
			before = olds.of(d.was - 1)
		}
		gone := p.join(m.files.of(int32(i)), before, m.was)
		if d.was > 0 {
			m.stale[d.was-1] = gone
		}
	}
	return m
}

// join notes where in the record the files of a directory are, and returns
// those of the record that are not among them.
func (p *Plan) join(files, olds, was []int32) (gone []int32) {
	name := func(old int32) string { return p.known.plan.Files[old].Name }
	for _, i := range files {
		for len(olds) > 0 && name(olds[0]) < p.Files[i].Name {
			gone, olds = append(gone, olds[0]), olds[1:]
		}
		was[i] = -1
		if len(olds) > 0 && name(olds[0]) == p.Files[i].Name {
			was[i], olds = olds[0], olds[1:]
		}
	}
	return append(gone, olds...)
}
