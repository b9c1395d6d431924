package worktree

import (
	"strings"

	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

func newRecord() *Record {
	return &Record{plan: &Plan{Dirs: []PlanDir{{Mode: object.ModeDir}}}, child: map[dirName]int32{}, spans: make([]span, 1)}
}

// grow makes room for entries.
func (r *Record) grow(count int) {
	r.child = make(map[dirName]int32, count/8)
	r.plan.Files, r.found, r.paths = make([]PlanFile, 0, count), make([]index.FileStat, 0, count), make([]string, 0, count)
}

// add takes in the next entry, and the directories that it is in.
func (r *Record) add(e *index.Entry) {
	for len(r.open) > 0 && !r.open[len(r.open)-1].above(r.last, e.Path) {
		r.close()
	}
	at := openDir{}
	if len(r.open) > 0 {
		at = r.open[len(r.open)-1]
	}
	for {
		name, _, within := strings.Cut(e.Path[at.length:], "/")
		if !within {
			break
		}
		at = openDir{r.addDir(at.dir, name, object.ModeDir, object.ID{}), at.length + len(name) + 1}
		r.open = append(r.open, at)
	}
	if name := e.Path[at.length:]; e.Mode == object.ModeSubmodule {
		r.endDir(r.addDir(at.dir, name, e.Mode, e.ID))
	} else {
		r.plan.Files = append(r.plan.Files, PlanFile{Dir: at.dir, Mode: e.Mode, Name: name, ID: e.ID, Convert: convert.Conversion(e.Convert)})
		r.found = append(r.found, e.Stat)
		r.paths = append(r.paths, e.Path)
	}
	r.last = e.Path
}

// end says that there are no more entries.
func (r *Record) end() {
	for len(r.open) > 0 {
		r.close()
	}
	r.endDir(0)
}

func (r *Record) close() {
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

func (r *Record) addDir(parent int32, name string, m object.Mode, id object.ID) int32 {
	dir := int32(len(r.plan.Dirs))
	r.plan.Dirs = append(r.plan.Dirs, PlanDir{parent: parent, name: name, depth: r.plan.Dirs[parent].depth + 1, Mode: m, ID: id})
	r.spans = append(r.spans, span{firstFile: int32(len(r.plan.Files))})
	r.child[dirName{parent, name}] = dir
	return dir
}

func (r *Record) endDir(dir int32) {
	r.spans[dir].endFile, r.spans[dir].endDir = int32(len(r.plan.Files)), int32(len(r.plan.Dirs))
}
