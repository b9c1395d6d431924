package poller

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
)

// In seconds.
const (
	arrival     = 1  // before a revision that has not arrived is fetched again, doubled
	maxArrival  = 32 // the last such wait
	onceArrival = 4  // that of --poll-once, which somebody waits for
)

var (
	errNotArrived = errors.New("the remote shows this revision but does not hand it out")
	errGone       = errors.New("the remote does not hand out this revision any more")
)

// checkout brings the revision into dir. A host that shows a revision may not
// hand it out for some seconds, and any may be out of order for a moment: as
// long as the ref is at the revision it is fetched again, after 1, 2, 4 …
// seconds. Others have the slot meanwhile. No try of the revision is spent.
func (w *watch) checkout(ctx context.Context, run Run, dir string) error {
	if err := w.unpark(run, dir); err != nil {
		return err
	}
	err := w.insist(ctx, run.Revision, dir, func() error { return w.fetch(ctx, run, dir) })
	if err == nil {
		w.p.clearParked(dir)
		w.notePark(run, dir)
	}
	return err
}

// insist tries until what is tried succeeds, or another try would not change how it ends.
func (w *watch) insist(ctx context.Context, rev git.Revision, dir string, try func() error) error {
	first, longest := w.p.seconds(arrival), w.p.seconds(maxArrival)
	if w.once {
		longest = w.p.seconds(onceArrival)
	}
	for wait := first; ; wait *= 2 {
		err := try()
		if git.NoRoom(err) && w.makeRoom(ctx, dir) {
			err = try()
		}
		late, pause := errors.Is(err, git.ErrMoved), wait
		switch {
		case err == nil:
			return nil
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case late && w.pinned:
			return errGone
		case errors.Is(err, git.ErrNoCommit): // which only another tag of the name mends
			return &MistakeError{err}
		case late && wait == first && !w.shown(ctx, rev):
			w.moved = true
			return err
		case late && wait > longest:
			return errNotArrived
		case w.outlasts(err):
			pause = restOf(err)
		case !late && (wait > longest || !passing(err)):
			return err
		}
		if late {
			err = errNotArrived
		}
		if err := w.waitToFetch(ctx, rev, pause, err); err != nil {
			return err
		}
		if pause != wait { // the host wanted that
			wait = first / 2
		}
		if !w.pinned && !w.shown(ctx, rev) {
			w.moved = true
			return git.ErrMoved
		}
	}
}

// fetch makes one try at a checkout.
func (w *watch) fetch(ctx context.Context, run Run, dir string) error {
	if err := w.p.makeWorkdir(dir, w.p.userOf(run)); err != nil {
		return err
	}
	if w.task.keeps(run) {
		if err := checkKept(dir); err != nil {
			return err
		}
	} else if _, err := os.Lstat(git.RecordPath(dir)); !w.prepared || err != nil {
		if err := files.RemoveTree(ctx, dir); err != nil { // of the try before
			return err
		}
	}
	ctx, done := w.tellProgress(ctx, run)
	defer done()
	return w.source(run).Checkout(ctx, run.CheckedOut(), dir)
}

// outlasts tells whether a run may wait until the host answers again, which is not for long enough that it would end first.
func (w *watch) outlasts(err error) bool {
	var later *LaterError
	return !w.once && errors.As(err, &later) && later.At.Before(w.ends)
}

// restOf is for how long the host that gave an error wants to be left alone.
func restOf(err error) time.Duration {
	var later *LaterError
	if errors.As(err, &later) {
		return max(time.Until(later.At), time.Second)
	}
	return time.Second
}

// waitToFetch lets others have the slot for a while.
func (w *watch) waitToFetch(ctx context.Context, rev git.Revision, wait time.Duration, reason error) error {
	how := "fetched again by seconds"
	if w.outlasts(reason) {
		how = "its run waits for that"
	}
	w.say(rev, fmt.Sprintf("%v; %s", reason, how), time.Now().Add(wait))
	w.releaseSlot()
	select {
	case <-time.After(wait):
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	_, err := w.acquireSlot(ctx, wanted, git.Revision{})
	return err
}

// shown polls whether a ref is still at the revision. A poll that fails says
// nothing else.
func (w *watch) shown(ctx context.Context, rev git.Revision) bool {
	heads, err := w.heads(ctx)
	if errors.Is(err, git.ErrEmpty) {
		return false
	}
	return err != nil || shows(heads, rev)
}

// passing tells an outage from what another try would not change.
func passing(err error) bool {
	var declared *PassingError
	var network *net.OpError
	var name *net.DNSError
	return errors.As(err, &declared) || errors.As(err, &network) || errors.As(err, &name) ||
		errors.Is(err, git.ErrUnavailable) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, os.ErrDeadlineExceeded)
}
