package git

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

const maxMetaBytes = 256 << 20 // of trees and commits kept until the first blob comes

// landing writes the files of one revision while its pack comes in, as far as
// that goes: git sends commits and trees before blobs. What it cannot write then
// is left to treeWriter.finish, so that it may give up at any time.
type landing struct {
	ctx   context.Context
	dir   string // to be filled
	want  plumbing.Hash
	files fileOptions

	metas  map[plumbing.Hash]object
	size   int
	writer *treeWriter // nil: gave up, or has not begun
	wanted wanted
}

// on has an arrival tell the landing.
func (l *landing) on(a *arrival) {
	l.metas = map[plumbing.Hash]object{}
	a.onMeta = func(id plumbing.Hash, o object) error {
		if l.metas == nil {
			return nil
		}
		l.metas[id] = o
		if l.size += weight(o); l.size > maxMetaBytes {
			l.metas = nil
		}
		return nil
	}
	a.onFirstBlob = l.begin
	a.onBlob = l.receiver
}

// begin plans what is to be written, unless a tree is missing yet.
func (l *landing) begin() error {
	read := func(id plumbing.Hash) (object, error) {
		o, ok := l.metas[id]
		if !ok {
			return o, missing(id)
		}
		return o, nil
	}
	defer func() { l.metas = nil }()
	_, tree, err := commitOf(l.ctx, l.want, read)
	if err != nil {
		return l.ctx.Err()
	}
	p, err := makePlan(l.ctx, tree, read)
	if err != nil {
		return l.ctx.Err() // whatever it is will be found again when all is here
	}
	if l.writer, err = newTreeWriter(l.dir, p, l.files); err != nil {
		return err
	}
	l.wanted = p.wanted()
	return nil
}

func (l *landing) receiver() (func(plumbing.Hash, []byte) error, func(), error) {
	if l.writer == nil {
		return func(plumbing.Hash, []byte) error { return nil }, func() {}, nil
	}
	out, err := l.writer.open()
	if err != nil {
		return nil, nil, err
	}
	return func(id plumbing.Hash, data []byte) error {
		file, ok := l.wanted.first[id]
		for ok && file >= 0 {
			if err := l.writer.write(l.ctx, out, int(file), data); err != nil {
				return fmt.Errorf("%q: %w", l.writer.plan.filePath(l.writer.plan.files[file]), err)
			}
			file = l.wanted.next[file]
		}
		return nil
	}, out.close, nil
}
