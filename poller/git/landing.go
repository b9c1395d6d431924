package git

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
)

const maxMetaBytes = 64 << 20 // of trees and commits kept until all is here

var errLanding = errors.New("the trees of the revision are others than they were on arrival")

// landing writes the files of one revision while its pack comes in: each as
// soon as the tree that names it is here. Git sends all trees before the first
// blob only where a tag leads to the revision; else it sends a tree, then what
// is in it. What comes before its tree or fills a second directory is left to
// treeWriter.finish, so that it may give up at any time.
type landing struct {
	ctx    context.Context
	want   plumbing.Hash
	writer *treeWriter // counts; gets its plan when all is here

	// Of the goroutine that reads the pack.
	metas map[plumbing.Hash]object // nil: gave up
	size  int                      // bytes
	waits map[plumbing.Hash]int32  // trees and the directory that each fills, -1 once it did
	out   *outDir                  // nil: the root is not known yet
	known plan                     // what the trees say so far
	nodes []landedDir              // what belongs to known.dirs

	mu      sync.Mutex
	dirs    []planDir // of known, for those who write files
	files   []planFile
	written []bool
	found   []fileStat              // of each file; nil: nobody asked
	first   map[plumbing.Hash]int32 // a file that the blob fills
	next    []int32                 // another one with the same blob; -1: none
}

// landedDir says which directories and files of the landing are in one.
type landedDir struct{ dirs, dirsEnd, files, filesEnd int32 }

// newLanding is for a directory that is empty.
func newLanding(ctx context.Context, dir string, want plumbing.Hash, o fileOptions) *landing {
	return &landing{
		ctx: ctx, want: want, writer: &treeWriter{dir: dir, fileOptions: o},
		metas: map[plumbing.Hash]object{}, waits: map[plumbing.Hash]int32{}, first: map[plumbing.Hash]int32{},
	}
}

// on has an arrival tell the landing.
func (l *landing) on(a *arrival) { a.onMeta, a.onBlob = l.meta, l.receiver }

func (l *landing) close() {
	if l.out != nil {
		l.out.close()
	}
}

// meta takes in a commit, a tree or a tag.
func (l *landing) meta(id plumbing.Hash, o object) error {
	if l.metas == nil {
		return nil
	}
	if l.size += weight(o); l.size > maxMetaBytes {
		l.metas = nil
		return nil
	}
	l.metas[id] = o
	if l.out == nil {
		if o.kind == plumbing.TreeObject {
			return nil
		}
		_, tree, err := commitOf(l.ctx, l.want, l.held)
		if err != nil {
			return l.ctx.Err() // whatever it is will be found again when all is here
		}
		return l.begin(tree)
	}
	return l.grow(id)
}

func (l *landing) held(id plumbing.Hash) (object, error) {
	o, ok := l.metas[id]
	if !ok {
		return o, missing(id)
	}
	return o, nil
}

func (l *landing) begin(tree plumbing.Hash) error {
	var err error
	if l.out, err = l.writer.openFor(&l.known); err != nil {
		return err
	}
	l.known.dirs, l.nodes = []planDir{{}}, make([]landedDir, 1)
	l.waits[tree] = 0
	if err := l.out.mkdir(0); err != nil {
		return err
	}
	return l.grow(tree)
}

// grow adds what a tree holds to the directory that waits for it, and so on
// with the trees in that. A tree fills one directory only: a small pack could
// else stand for a large number of them.
func (l *landing) grow(id plumbing.Hash) error {
	for ready := []plumbing.Hash{id}; len(ready) > 0; {
		id := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		dir, wanted := l.waits[id]
		o, here := l.metas[id]
		if !wanted || dir < 0 || !here {
			continue
		}
		l.waits[id] = -1
		entries, err := parseTree(o.data)
		if err != nil || o.kind != plumbing.TreeObject || l.known.dirs[dir].depth > maxDepth || len(l.waits)+len(l.known.files)+len(entries) > maxEntries {
			l.metas = nil
			return l.ctx.Err()
		}
		if err := l.add(dir, entries); err != nil {
			return err
		}
		for _, e := range entries {
			if e.mode == modeDir {
				ready = append(ready, e.id)
			}
		}
	}
	return nil
}

// add makes the directories that are in one, then has the files written.
func (l *landing) add(dir int32, entries []treeEntry) error {
	node := landedDir{dirs: int32(len(l.known.dirs)), files: int32(len(l.known.files))}
	for _, e := range entries {
		if e.mode != modeDir && e.mode != modeSubmodule {
			l.known.files = append(l.known.files, planFile{dir: dir, mode: e.mode, name: e.name, id: e.id})
			continue
		}
		l.known.dirs = append(l.known.dirs, planDir{parent: dir, name: e.name, depth: l.known.dirs[dir].depth + 1})
		made := int32(len(l.known.dirs) - 1)
		if err := l.out.mkdir(made); err != nil {
			return err
		}
		if _, twice := l.waits[e.id]; !twice && e.mode == modeDir {
			l.waits[e.id] = made
		}
	}
	node.dirsEnd, node.filesEnd = int32(len(l.known.dirs)), int32(len(l.known.files))
	l.nodes = append(l.nodes, make([]landedDir, len(l.known.dirs)-len(l.nodes))...)
	l.nodes[dir] = node
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirs, l.files = l.known.dirs, l.known.files
	for i := node.files; i < node.filesEnd; i++ {
		f := l.files[i]
		l.written, l.next = append(l.written, false), append(l.next, -1)
		if l.writer.stats {
			l.found = append(l.found, fileStat{})
		}
		if f.mode == modeSymlink {
			continue
		}
		if other, again := l.first[f.id]; again {
			l.next[i] = other
		}
		l.first[f.id] = i
	}
	return nil
}

// take gives the numbers of the files that a blob fills, once, with the files
// and the directories known by now.
func (l *landing) take(id plumbing.Hash, into []int32) ([]int32, []planFile, []planDir) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i, ok := l.first[id]; ok {
		delete(l.first, id)
		for ; i >= 0; i = l.next[i] {
			l.written[i] = true
			into = append(into, i)
		}
	}
	return into, l.files, l.dirs
}

// receiver is for one goroutine of several.
func (l *landing) receiver() (func(plumbing.Hash, []byte) error, func(), error) {
	var p plan
	out, err := l.writer.openFor(&p)
	if err != nil {
		return nil, nil, err
	}
	var numbers []int32
	return func(id plumbing.Hash, data []byte) error {
		numbers, p.files, p.dirs = l.take(id, numbers[:0])
		for _, i := range numbers {
			err := l.writer.count(int64(len(data)))
			if err == nil {
				err = out.write(p.files[i], data)
			}
			if err != nil {
				return fmt.Errorf("%q: %w", p.filePath(p.files[i]), err)
			}
			l.note(i, out)
		}
		return nil
	}, out.close, nil
}

// note keeps what is known of a file that was just written.
func (l *landing) note(file int32, out *outDir) {
	if l.writer.stats {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.found[file] = out.last
	}
}

// finish gives what goes on where the landing ended, when all has come. It
// makes the directories that are missing yet.
func (l *landing) finish(ctx context.Context, tree plumbing.Hash, read func(plumbing.Hash) (object, error)) (*treeWriter, error) {
	p, err := makePlan(ctx, tree, func(id plumbing.Hash) (object, error) {
		if o, err := l.held(id); err == nil {
			return o, nil
		}
		return read(id)
	})
	l.metas, l.waits, l.first, l.next = nil, nil, nil, nil
	if err != nil {
		return nil, err
	}
	l.writer.plan, l.writer.made, l.writer.done = p, len(p.dirs), make([]atomic.Bool, len(p.files))
	if l.writer.stats {
		l.writer.found = make([]fileStat, len(p.files))
	}
	return l.writer, l.settle(p)
}

// settle finds in the plan of all what is there. Both have what is in one
// directory in the same order.
func (l *landing) settle(p *plan) error {
	out, err := l.writer.open()
	if err != nil {
		return err
	}
	defer out.close()
	from := make([]int32, len(p.dirs)) // the directory of the landing; -1: none
	for i, d := range p.dirs {
		from[i] = -1
		if i == 0 && len(l.nodes) > 0 {
			from[0] = 0
			continue
		}
		if i > 0 && from[d.parent] >= 0 {
			if node := &l.nodes[from[d.parent]]; node.dirs < node.dirsEnd {
				from[i] = node.dirs
				node.dirs++
			}
		}
		switch {
		case from[i] < 0:
			if err := out.mkdir(int32(i)); err != nil {
				return err
			}
		case l.known.dirs[from[i]].name != d.name:
			return errLanding
		}
	}
	for i, f := range p.files {
		if from[f.dir] < 0 {
			continue
		}
		node := &l.nodes[from[f.dir]]
		if node.files == node.filesEnd {
			continue
		}
		if l.known.files[node.files].name != f.name {
			return errLanding
		}
		l.writer.done[i].Store(l.written[node.files])
		if l.writer.stats {
			l.writer.found[i] = l.found[node.files]
		}
		node.files++
	}
	return nil
}
