package git

import (
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

func newRecord() *record {
	return &record{plan: &plan{dirs: []planDir{{mode: modeDir}}}, child: map[dirName]int32{}, spans: make([]span, 1)}
}

// grow makes room for entries.
func (r *record) grow(count int) {
	r.child = make(map[dirName]int32, count/8)
	r.plan.files, r.found, r.paths = make([]planFile, 0, count), make([]fileStat, 0, count), make([]string, 0, count)
}

// add takes in the next entry, and the directories that it is in.
func (r *record) add(e *indexEntry) {
	for len(r.open) > 0 && !r.open[len(r.open)-1].above(r.last, e.path) {
		r.close()
	}
	at := openDir{}
	if len(r.open) > 0 {
		at = r.open[len(r.open)-1]
	}
	for {
		name, _, within := strings.Cut(e.path[at.length:], "/")
		if !within {
			break
		}
		at = openDir{r.addDir(at.dir, name, modeDir, plumbing.ZeroHash), at.length + len(name) + 1}
		r.open = append(r.open, at)
	}
	if name := e.path[at.length:]; e.mode == modeSubmodule {
		r.endDir(r.addDir(at.dir, name, e.mode, e.id))
	} else {
		r.plan.files = append(r.plan.files, planFile{dir: at.dir, mode: e.mode, name: name, id: e.id, convert: e.convert})
		r.found = append(r.found, e.stat)
		r.paths = append(r.paths, e.path)
	}
	r.last = e.path
}

// end says that there are no more entries.
func (r *record) end() {
	for len(r.open) > 0 {
		r.close()
	}
	r.endDir(0)
}

func (r *record) close() {
	r.endDir(r.open[len(r.open)-1].dir)
	r.open = r.open[:len(r.open)-1]
}

// openDir is a directory whose entries are being read, and the length of its
// path with a slash.
type openDir struct {
	dir    int32
	length int
}

// above says whether the next path is in the directory that the last was in.
func (o openDir) above(last, next string) bool {
	return len(next) > o.length && next[:o.length] == last[:o.length]
}

func (r *record) addDir(parent int32, name string, m mode, id plumbing.Hash) int32 {
	dir := int32(len(r.plan.dirs))
	r.plan.dirs = append(r.plan.dirs, planDir{parent: parent, name: name, depth: r.plan.dirs[parent].depth + 1, mode: m, id: id})
	r.spans = append(r.spans, span{firstFile: int32(len(r.plan.files))})
	r.child[dirName{parent, name}] = dir
	return dir
}

func (r *record) endDir(dir int32) {
	r.spans[dir].endFile, r.spans[dir].endDir = int32(len(r.plan.files)), int32(len(r.plan.dirs))
}
