package files

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// RemoveTree removes what is at path with all that is in it, also folders that
// their owner may not write to (a Go module cache has them). It follows no
// link and never reaches across a mount: what an action mounted and forgot may
// be somebody's data. A path that is not there is no error.
//
// When ctx ends it stops with the context's error, and what is left can be
// removed later. What cannot be removed does not keep the rest from going: the
// error is the first, with the number of those that came after it.
func RemoveTree(ctx context.Context, path string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	mounted, err := MountBelow(path)
	if err != nil {
		return err
	}
	if mounted != "" {
		return fmt.Errorf("%s is a mount point: unmount it and kitops removes the rest", mounted)
	}
	r := remover{ctx: ctx}
	if err := r.remove(filepath.Clean(path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		r.fail(err)
	}
	switch {
	case r.stopped:
		return context.Cause(ctx)
	case r.more > 0:
		return fmt.Errorf("%w, and %d more", r.first, r.more)
	}
	return r.first
}

// remover removes one tree.
type remover struct {
	ctx     context.Context
	first   error
	more    int  // errors after the first
	lifted  int  // directories that were too deep
	stopped bool // by the end of ctx
}

func (r *remover) fail(err error) {
	if r.first == nil {
		r.first = err
	} else {
		r.more++
	}
}

// failures counts what stays.
func (r *remover) failures() int {
	if r.first == nil {
		return 0
	}
	return 1 + r.more
}

// done tells whether to stop.
func (r *remover) done() bool {
	r.stopped = r.stopped || r.ctx.Err() != nil
	return r.stopped
}
