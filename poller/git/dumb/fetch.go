package dumb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// ErrGone says that an object which was asked for by name is not there.
var ErrGone = errors.New("the server has no such object")

// Request is what to fetch, and what is here.
type Request struct {
	Want    []object.ID
	Shallow map[object.ID]bool // commits that are here without their parents
	Depth   int                // commits on every way; below 0: all
	Has     func(object.ID) bool
	Read    func(object.ID) (object.Object, error) // of what is here
}

// Answer is a pack in a file of its own, which goes when it is closed.
type Answer struct {
	*os.File
	Cut []object.ID // commits whose parents do not come
}

// Close removes the file.
func (a *Answer) Close() error { return errors.Join(a.File.Close(), os.Remove(a.Name())) }

// walk is a fetch under way.
type walk struct {
	Request
	from  *store
	out   pack.Writer
	count uint32
	seen  map[object.ID]int // how deep below a commit was walked, or 0
	given map[object.ID]bool
	cut   []object.ID
}

// Fetch makes a pack of what is wanted and not here.
func (f *Files) Fetch(ctx context.Context, want Request) (*Answer, error) {
	file, err := os.CreateTemp(f.Dir, object.TmpPrefix+"dumb_")
	if err != nil {
		return nil, err
	}
	answer := &Answer{File: file}
	if answer.Cut, err = f.fill(ctx, want, file); err != nil {
		return nil, errors.Join(err, answer.Close())
	}
	return answer, nil
}

func (f *Files) fill(ctx context.Context, want Request, file *os.File) ([]object.ID, error) {
	from := f.open()
	defer from.close()
	w := &walk{Request: want, from: from, out: pack.Writer{F: file, Offset: packHead}, seen: map[object.ID]int{}, given: map[object.ID]bool{}}
	for _, id := range want.Want {
		if err := w.root(ctx, id); err != nil {
			return nil, err
		}
	}
	return w.cut, w.finish(file)
}

const packHead = 12 // bytes, gitformat-pack(5)

// finish writes head and checksum.
func (w *walk) finish(file *os.File) error {
	head := append([]byte("PACK"), 0, 0, 0, 2)
	if _, err := file.WriteAt(binary.BigEndian.AppendUint32(head, w.count), 0); err != nil {
		return err
	}
	sum := w.from.format.New()
	if _, err := io.Copy(sum, io.NewSectionReader(file, 0, w.out.Offset)); err != nil {
		return err
	}
	_, err := file.WriteAt(sum.Sum(nil), w.out.Offset)
	return err
}

// root goes from what was asked for down to a commit.
func (w *walk) root(ctx context.Context, id object.ID) error {
	commit, _, err := object.CommitOf(ctx, id, func(id object.ID) (object.Object, error) {
		o, err := w.get(ctx, id)
		if err == nil && o.Kind == object.KindTag {
			err = w.put(id, o)
		}
		return o, err
	})
	if err != nil {
		return err
	}
	depth := w.Depth
	if depth == 0 {
		depth = 1
	}
	return w.commits(ctx, commit, depth)
}

// way is a commit and for how many more the way goes on from there.
type way struct {
	id   object.ID
	left int
}

func (w *walk) commits(ctx context.Context, first object.ID, depth int) error {
	for todo := []way{{first, depth}}; len(todo) > 0; {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if before, walked := w.seen[at.id]; walked && (before < 0 || before >= at.left && at.left >= 0) {
			continue
		}
		_, again := w.seen[at.id]
		w.seen[at.id] = at.left
		o, err := w.get(ctx, at.id)
		if err != nil {
			return err
		}
		c, err := object.ParseCommit(at.id, o)
		if err != nil {
			return err
		}
		here := w.Has(at.id)
		if !here && !again {
			if err := w.put(at.id, o); err != nil {
				return err
			}
			if err := w.tree(ctx, c.Tree, 0); err != nil {
				return err
			}
		}
		switch {
		case here && at.left < 0 && !w.Shallow[at.id]: // with all below it
		case at.left == 1:
			if len(c.Parents) > 0 {
				w.cut = append(w.cut, at.id)
			}
		default:
			for _, parent := range c.Parents {
				todo = append(todo, way{parent, at.left - 1})
			}
		}
	}
	return nil
}

// tree takes what is not here of a tree. What is here is here with all in it.
func (w *walk) tree(ctx context.Context, id object.ID, deep int) error {
	if _, walked := w.seen[id]; walked || w.Has(id) {
		return nil
	}
	if deep > object.MaxDepth {
		return fmt.Errorf("tree %s: more than %d directories below each other", id, object.MaxDepth)
	}
	w.seen[id] = 0
	o, err := w.get(ctx, id)
	if err != nil {
		return err
	}
	if err := w.put(id, o); err != nil {
		return err
	}
	read, err := object.ReadPastTree(id, func(object.ID) (object.Object, error) { return o, nil })
	if err != nil {
		return err
	}
	entries := slices.AppendSeq(make([]object.TreeEntry, 0, read.Len), read.All())
	for i, e := range entries {
		if w.wanted(e) {
			w.prepare(ctx, entries[i:])
		}
		switch _, walked := w.seen[e.ID]; {
		case e.Mode == object.ModeSubmodule || walked:
		case e.Mode == object.ModeDir:
			err = w.tree(ctx, e.ID, deep+1)
		case !w.Has(e.ID):
			err = w.blob(ctx, e.ID)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *walk) blob(ctx context.Context, id object.ID) error {
	w.seen[id] = 0
	o, err := w.get(ctx, id)
	if err != nil {
		return err
	}
	if o.Kind != object.KindBlob {
		return fmt.Errorf("%s is a %s, not a blob", id, o.Kind)
	}
	return w.put(id, o)
}

// get reads what is here, or else there.
func (w *walk) get(ctx context.Context, id object.ID) (object.Object, error) {
	if err := ctx.Err(); err != nil {
		return object.Object{}, err
	}
	if w.Has(id) {
		return w.Read(id)
	}
	return w.from.read(ctx, id)
}

// put gives an object once: git refuses packs that have one twice.
func (w *walk) put(id object.ID, o object.Object) error {
	if w.given[id] || w.Has(id) {
		return nil
	}
	w.given[id] = true
	w.count++
	_, err := w.out.Whole(id, pack.Base{Kind: o.Kind, Data: o.Data})
	return err
}
