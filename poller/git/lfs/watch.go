package lfs

import (
	"context"
	"errors"
	"io"
	"time"
)

const maxSilence = time.Minute // of a server from which something is to come

var errSilent = errors.New("nothing has come for a minute")

// watch ends a request from which nothing comes.
type watch struct {
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
}

func watched(ctx context.Context) (context.Context, *watch) {
	ctx, cancel := context.WithCancelCause(ctx)
	return ctx, &watch{ctx, cancel, time.AfterFunc(maxSilence, func() { cancel(errSilent) })}
}

func (w *watch) stop() {
	w.timer.Stop()
	w.cancel(nil)
}

// reader tells the watch of what comes.
func (w *watch) reader(r io.Reader) io.Reader { return &watchedReader{r, w} }

type watchedReader struct {
	io.Reader
	w *watch
}

func (r *watchedReader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.w.timer.Reset(maxSilence)
	}
	return n, err
}

// explain is err, or that nothing came.
func (w *watch) explain(err error) error {
	if err != nil && errors.Is(context.Cause(w.ctx), errSilent) {
		return outOfOrder{"nothing for a minute"}
	}
	return err
}
