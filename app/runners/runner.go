package runners

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// runner is one process with one registration, for one job.
type runner struct {
	p     *pool
	name  string
	began time.Time

	// held while its registration is removed, so that its process, which hears of that and ends, is not taken for one that had a job
	leaving sync.Mutex

	// guarded by p.mu
	id        int64 // at GitHub; 0: not registered yet
	busy      bool  // it has a job, as far as is known
	done      bool  // its job is over
	retired   bool  // its registration is gone, and it has been told to end
	drained   bool  // it was interrupted at the end of the set
	heard     chan struct{}
	cancel    context.CancelFunc
	interrupt func() error
	over      chan struct{} // closed when its process is no more
	trouble   string        // why it is of no use
}

func newRunner(p *pool, name string) *runner {
	return &runner{p: p, name: name, began: time.Now(), heard: make(chan struct{}), over: make(chan struct{})}
}

// errRetired ends a runner that nobody needs.
var errRetired = errors.New("not needed any more")

// live registers, runs, and removes what is left. Nothing of it is tried again: another runner is.
func (r *runner) live(ctx context.Context) {
	how := end{}
	defer func() { r.p.left(r, how) }()
	lasting := context.WithoutCancel(ctx)
	record := Runner{Name: r.name, Run: runID(r.began), At: r.began.UTC().Truncate(time.Second)}
	dir := filepath.Join(r.p.o.Dir, r.name)
	process, err := r.prepare(ctx, &record, dir)
	if err == nil && ctx.Err() != nil {
		err = ctx.Err()
	}
	if err != nil {
		close(r.over)
		how.failed, how.unborn = ctx.Err() == nil, true
		r.doubt(err)
		if process.Name != "" {
			_, _ = r.p.deregister(lasting, record) // it tells
		}
	} else {
		how = r.execute(lasting, &record, process)
	}
	if err := r.p.o.Remove(lasting, dir); err != nil {
		r.p.o.Log.Warn("runners: the directory of a runner cannot be removed", "dir", dir, "err", err)
	}
}

// execute runs the process until it has ended.
func (r *runner) execute(ctx context.Context, record *Runner, process Process) (how end) {
	running, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.p.mu.Lock()
	r.cancel = func() { cancel(errRetired) }
	r.p.mu.Unlock()
	concluded := false
	process.Conclude = func(ctx context.Context, ended error) (c Conclusion) {
		concluded = true
		close(r.over)
		how, c = r.conclude(ctx, *record, ended)
		return c
	}
	if err := r.p.o.Run(running, process); !concluded { // it was not even started
		process.Conclude(ctx, err)
		how.unborn = true
		r.doubt(err)
	}
	return how
}

// doubt says why a runner is of no use.
func (r *runner) doubt(err error) {
	r.p.mu.Lock()
	r.trouble = fmt.Sprint(err)
	r.p.mu.Unlock()
	if !errors.Is(err, context.Canceled) {
		r.p.o.Log.Warn("runners: a runner could not be started", "runner", r.name, "err", err)
	}
}

// runID is what all processes of a runner carry.
func runID(now time.Time) string {
	return now.UTC().Format("20060102t150405") + "-" + strings.ToLower(rand.Text()[:10])
}

// prepare copies the runner program, saves the name, and only then asks for the configuration.
func (r *runner) prepare(ctx context.Context, record *Runner, dir string) (Process, error) {
	o := r.p.o
	process := Process{
		Name: r.name, Dir: filepath.Join(dir, "runner"), Home: filepath.Join(dir, "home"), Temp: filepath.Join(dir, "tmp"), RunID: record.Run,
	}
	if err := o.Copy.Make(ctx, process.Dir, process.Home, process.Temp); err != nil {
		return Process{}, err
	}
	lasting := context.WithoutCancel(ctx)
	if err := r.p.remember(lasting, *record); err != nil {
		return Process{}, fmt.Errorf("save the name of a runner: %w", err)
	}
	r.p.mu.Lock()
	set := r.p.set
	r.p.mu.Unlock()
	if ctx.Err() != nil {
		return process, ctx.Err()
	}
	registered, config, err := r.p.service.configure(lasting, set, r.name)
	if err != nil {
		return process, fmt.Errorf("register the runner %s: %w", r.name, err)
	}
	process.Config, record.ID = config, registered.ID
	r.p.mu.Lock()
	r.id = registered.ID
	r.p.mu.Unlock()
	process.Started = func(group string, interrupt func() error) {
		r.p.mu.Lock()
		r.interrupt = interrupt
		r.p.mu.Unlock()
		record.Group = group
		if err := r.p.remember(lasting, *record); err != nil {
			o.Log.Warn("runners: not saved what was started, a kitops that is killed now leaves it running", "err", err)
		}
	}
	return process, nil
}

// conclude removes the registration: GitHub has removed that of a runner which had a job.
func (r *runner) conclude(ctx context.Context, record Runner, ended error) (how end, c Conclusion) {
	r.leaving.Lock()
	gone, err := r.p.deregister(ctx, record)
	r.p.mu.Lock()
	heard, retired, drained := r.heard, r.retired, r.drained
	how.over = r.done || gone && err == nil && !retired
	how.worked = how.over || r.busy || errors.Is(err, errBusy)
	r.p.mu.Unlock()
	r.leaving.Unlock()
	if how.worked && heard != nil && ended == nil { // the message may be on its way
		select {
		case <-heard:
		case <-time.After(r.p.o.seconds(5)):
		case <-r.p.o.Hard:
		}
	}
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	job := r.p.results[r.name]
	if job.Title == "" {
		began := r.p.titles[r.name]
		job.Title, job.Of = began.Title, began.Of
	}
	if job.Of != "" {
		c.Job = fmt.Sprintf("%s (%s)", job.Title, job.Of)
	}
	c.Worked, c.Result = how.worked, job.Result
	switch {
	case drained:
		c.Reason = "interrupted: kitops was stopped"
	case retired:
		c.Result = "idle"
	case !how.worked:
		how.failed = time.Since(r.began) < r.p.o.seconds(quick)
		c.Reason = "it ended without a job"
		if ended != nil {
			c.Reason += ": " + ended.Error()
		}
		r.trouble = c.Reason
	case ended != nil:
		c.Reason = ended.Error()
	}
	return how, c
}

// retire ends the runner, if GitHub agrees that it has no job.
func (r *runner) retire(ctx context.Context) bool {
	r.leaving.Lock()
	defer r.leaving.Unlock()
	r.p.mu.Lock()
	id, cancel := r.id, r.cancel
	r.p.mu.Unlock()
	if id == 0 || cancel == nil {
		return false
	}
	there, err := r.p.service.remove(ctx, id)
	if err != nil || !there { // it has a job, or had one
		r.p.mu.Lock()
		defer r.p.mu.Unlock()
		r.busy = r.busy || errors.Is(err, errBusy)
		return false
	}
	r.p.mu.Lock()
	r.retired = true
	r.p.mu.Unlock()
	cancel()
	return true
}
