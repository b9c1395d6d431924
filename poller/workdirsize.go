package poller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git"
)

const (
	sizePause = 1  // seconds between two measurements of a workdir, at least
	sizeShare = 20 // a measurement takes one part of so many of the time
)

// sizeError ends an action whose workdir has grown too large.
type sizeError struct {
	limit git.Size
	deep  bool
}

func (e sizeError) Error() string {
	if e.deep {
		return "its directory is nested too deep to be measured, as limits.workdir demands"
	}
	return fmt.Sprintf("its directory takes more than limits.workdir, %s", e.limit)
}

// watchSize has a context be done when a workdir takes more than a limit, 0 for none. An action
// that is quicker than the pause between two measurements may go beyond it; the next one meets it.
func (w *watch) watchSize(ctx context.Context, run Run, dir string, limit int64) (context.Context, func()) {
	if limit == 0 {
		return ctx, func() {}
	}
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for told := false; ctx.Err() == nil; {
			began := time.Now()
			size, err := files.Grown(ctx, dir, limit)
			switch {
			case ctx.Err() != nil:
				return
			case errors.Is(err, files.ErrDeep), err == nil && size > limit:
				cancel(sizeError{git.Size(limit), err != nil})
				return
			case err != nil && !told:
				w.tell(Event{Kind: Troubled, Run: run, Err: fmt.Errorf("measure the directory of the run: %w", err)})
				told = true
			}
			pause := time.NewTimer(max(w.p.seconds(sizePause), sizeShare*time.Since(began)))
			select {
			case <-ctx.Done():
			case <-pause.C:
			}
			pause.Stop()
		}
	}()
	return ctx, func() {
		cancel(context.Canceled)
		<-done
	}
}
