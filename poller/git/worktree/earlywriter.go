package worktree

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/safedir"
)

const (
	maxMetaBytes = 64 << 20 // of trees and commits kept until all is here
	maxEarlyTree = 4 << 20  // of one: a larger one is not worth keeping twice
)

var errEarly = errors.New("the trees of the revision are others than they were on arrival")

// EarlyWriter writes the files of one revision while its pack comes in: each as
// soon as the tree that names it is here. Git sends all trees before the first
// blob only where a tag leads to the revision; else it sends a tree, then what
// is in it. What comes before its tree or fills a second directory is left to
// treeWriter.finish, so that it may give up at any time.
type EarlyWriter struct {
	ctx    context.Context
	want   object.ID
	writer *TreeWriter // counts; gets its plan when all is here

	// Of the goroutine that reads the pack.
	metas map[object.ID]object.Object // nil: gave up
	size  int                         // bytes
	waits map[object.ID]int32         // trees and the directory that each fills, -1 once it did
	empty object.ID                   // object.EmptyTree
	out   *safedir.Dir                // nil: the root is not known yet
	known Plan                        // what the trees say so far
	nodes []earlyDir                  // what belongs to known.dirs

	mu      sync.Mutex
	dirs    []PlanDir // of known, for those who write files
	files   []PlanFile
	written []bool
	found   []index.FileStat    // of each file; nil: nobody asked
	first   map[object.ID]int32 // a file that the blob fills
	next    []int32             // another one with the same blob; -1: none
}

// earlyDir says which directories and files of the landing are in one.
type earlyDir struct{ dirs, dirsEnd, files, filesEnd int32 }

// NewEarlyWriter is for a directory that is empty.
func NewEarlyWriter(ctx context.Context, dir string, want object.ID, o FileOptions) *EarlyWriter {
	return &EarlyWriter{
		ctx: ctx, want: want, writer: &TreeWriter{Dir: dir, FileOptions: o},
		metas: map[object.ID]object.Object{}, waits: map[object.ID]int32{}, first: map[object.ID]int32{},
	}
}

// On has an arrival tell the landing.
func (l *EarlyWriter) On(a *pack.Receiver) { a.OnMeta, a.OnBlob = l.meta, l.receiver }

// Close gives back what it has open.
func (l *EarlyWriter) Close() {
	if l.out != nil {
		l.out.Close()
	}
}

// meta takes in a commit, a tree or a tag.
func (l *EarlyWriter) meta(id object.ID, o object.Object) error {
	if l.metas == nil {
		return nil
	}
	if l.size += pack.Weight(o); l.size > maxMetaBytes || len(o.Data) > maxEarlyTree {
		l.metas = nil
		return nil
	}
	l.metas[id] = o
	if l.out == nil {
		if o.Kind == object.KindTree {
			return nil
		}
		_, tree, err := object.CommitOf(l.ctx, l.want, l.held)
		if err != nil {
			return l.ctx.Err() // whatever it is will be found again when all is here
		}
		return l.begin(tree)
	}
	return l.grow(id)
}

func (l *EarlyWriter) held(id object.ID) (object.Object, error) {
	o, ok := l.metas[id]
	if !ok {
		return o, object.Missing(id)
	}
	return o, nil
}

func (l *EarlyWriter) begin(tree object.ID) error {
	var err error
	if l.out, err = l.writer.openFor(&l.known); err != nil {
		return err
	}
	l.known.Dirs, l.nodes = []PlanDir{{}}, make([]earlyDir, 1)
	l.waits[tree], l.empty = 0, object.EmptyTree(tree.Format())
	if err := l.out.Mkdir(0); err != nil {
		return err
	}
	return l.grow(tree)
}

// grow adds what a tree holds to the directory that waits for it, and so on
// with the trees in that. A tree fills one directory only: a small pack could
// else stand for a large number of them.
func (l *EarlyWriter) grow(id object.ID) error {
	for ready := []object.ID{id}; len(ready) > 0; {
		id := ready[len(ready)-1]
		ready = ready[:len(ready)-1]
		dir, wanted := l.waits[id]
		o, here := l.metas[id]
		if !wanted || dir < 0 || !here {
			continue
		}
		l.waits[id] = -1
		entries, err := object.ParseTree(id.Format(), o.Data)
		if err != nil || o.Kind != object.KindTree || l.known.Dirs[dir].depth > object.MaxDepth || len(l.waits)+len(l.known.Files)+entries.Len > object.MaxEntries {
			l.metas = nil
			return l.ctx.Err()
		}
		if err := l.add(dir, entries); err != nil {
			return err
		}
		for e := range entries.All() {
			if e.Mode == object.ModeDir {
				ready = append(ready, e.ID)
			}
		}
	}
	return nil
}

// add makes the directories that are in one, then has the files written.
func (l *EarlyWriter) add(dir int32, entries object.Tree) error {
	node := earlyDir{dirs: int32(len(l.known.Dirs)), files: int32(len(l.known.Files))}
	for e := range entries.All() {
		if e.Mode != object.ModeDir && e.Mode != object.ModeSubmodule {
			l.known.Files = append(l.known.Files, PlanFile{Dir: dir, Mode: e.Mode, Name: e.Name, ID: e.ID})
			continue
		}
		if e.Mode == object.ModeDir && e.ID == l.empty {
			continue
		}
		l.known.Dirs = append(l.known.Dirs, PlanDir{parent: dir, name: e.Name, depth: l.known.Dirs[dir].depth + 1})
		made := int32(len(l.known.Dirs) - 1)
		if err := l.out.Mkdir(made); err != nil {
			return err
		}
		if _, twice := l.waits[e.ID]; !twice && e.Mode == object.ModeDir {
			l.waits[e.ID] = made
		}
	}
	node.dirsEnd, node.filesEnd = int32(len(l.known.Dirs)), int32(len(l.known.Files))
	l.nodes = append(l.nodes, make([]earlyDir, len(l.known.Dirs)-len(l.nodes))...)
	l.nodes[dir] = node
	l.mu.Lock()
	defer l.mu.Unlock()
	l.dirs, l.files = l.known.Dirs, l.known.Files
	for i := node.files; i < node.filesEnd; i++ {
		f := l.files[i]
		l.written, l.next = append(l.written, false), append(l.next, -1)
		if l.writer.Stats {
			l.found = append(l.found, index.FileStat{})
		}
		if f.Mode == object.ModeSymlink {
			continue
		}
		if other, again := l.first[f.ID]; again {
			l.next[i] = other
		}
		l.first[f.ID] = i
	}
	return nil
}

// take gives the numbers of the files that a blob fills, once, with the files
// and the directories known by now.
func (l *EarlyWriter) take(id object.ID, into []int32) ([]int32, []PlanFile, []PlanDir) {
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
func (l *EarlyWriter) receiver() (func(object.ID, []byte) error, func(), error) {
	var p Plan
	out, err := l.writer.openFor(&p)
	if err != nil {
		return nil, nil, err
	}
	var numbers []int32
	return func(id object.ID, data []byte) error {
		numbers, p.Files, p.Dirs = l.take(id, numbers[:0])
		for _, i := range numbers {
			err := l.writer.count(int64(len(data)))
			if err == nil {
				err = out.Write(p.Files[i].file(), data)
			}
			if err != nil {
				return fmt.Errorf("%q: %w", p.FilePath(p.Files[i]), err)
			}
			l.note(i, out)
		}
		return nil
	}, out.Close, nil
}

// note keeps what is known of a file that was just written.
func (l *EarlyWriter) note(file int32, out *safedir.Dir) {
	l.writer.Progress.Wrote()
	if l.writer.Stats {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.found[file] = statOf(out.Last)
	}
}

// Finish gives what goes on where the landing ended, when all has come. It
// makes the directories that are missing yet.
func (l *EarlyWriter) Finish(ctx context.Context, tree object.ID, read func(object.ID) (object.Object, error)) (*TreeWriter, error) {
	p, err := makePlan(ctx, tree, func(id object.ID) (object.Object, error) {
		if o, err := l.held(id); err == nil {
			return o, nil
		}
		return read(id)
	})
	l.metas, l.waits, l.first, l.next = nil, nil, nil, nil
	if err != nil {
		return nil, err
	}
	l.writer.Plan, l.writer.made, l.writer.Done = p, len(p.Dirs), make([]atomic.Bool, len(p.Files))
	if l.writer.Stats {
		l.writer.Found = make([]index.FileStat, len(p.Files))
	}
	return l.writer, l.adopt(p)
}
