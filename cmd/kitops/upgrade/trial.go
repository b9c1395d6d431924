package upgrade

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"time"
)

// mostStarts is how often a new program may start without being good.
const mostStarts = 3

// TrialLimit is how long a new program has to be good.
const TrialLimit = time.Minute

// Trial is one start of a program that has not proved itself yet. It may be
// used concurrently.
type Trial struct {
	Program string // its file
	Version string
	Memory  Memory
	Trier   Trier // tries the former program before it is brought back

	mu            sync.Mutex
	record        *Record // nil: there is nothing to prove, or it is proved
	ready, polled bool
	good          chan struct{}
	restore       func() error // of tests: instead of the swap's
}

// Begin counts this start, before anything else. With a former program it is
// that which is to run instead.
func (t *Trial) Begin(ctx context.Context) (former string, err error) {
	t.good = make(chan struct{})
	if t.Program == "" {
		return "", nil // nobody knows where it is
	}
	t.record, err = t.Memory.Record()
	if err != nil || t.record == nil {
		return "", err
	}
	if t.record.To != t.Version {
		return "", t.forget()
	}
	if t.record.Starts >= mostStarts {
		return t.RollBack(ctx, fmt.Sprintf("%d starts were not good", mostStarts))
	}
	t.record.Starts++
	return "", t.Memory.write(recordFile, *t.record)
}

// forget ends an upgrade that is over: it never happened, or this is the former
// program. One that could not be put back at its path is remembered: the other
// one starts first, each time.
func (t *Trial) forget() error {
	elsewhere := t.record.Starts > mostStarts && !t.atPath()
	t.record = nil
	if elsewhere {
		return nil
	}
	return t.Memory.forget()
}

// superseded tells whether the record is that of another upgrade by now.
func (t *Trial) superseded() bool {
	r, err := t.Memory.Record()
	return err == nil && r != nil && r.To != t.Version
}

// atPath tells whether the program at the path is this one.
func (t *Trial) atPath() bool {
	self, err := os.Executable()
	return err == nil && same(self, t.Program)
}

// Through has programs started by run from here on.
func (t *Trial) Through(run func(*exec.Cmd) error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Trier.Run = run
}

// Ready says that the agent is.
func (t *Trial) Ready() error { return t.note(func() { t.ready = true }) }

// Polled says that a poll has succeeded.
func (t *Trial) Polled() error { return t.note(func() { t.polled = true }) }

// note ends the trial when both have been said: the floor is the new version.
func (t *Trial) note(what func()) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	what()
	if t.record == nil || !t.ready || !t.polled {
		return nil
	}
	r := t.record
	t.record = nil
	close(t.good)
	err := t.Memory.good(t.Version, r)
	if t.superseded() {
		return err
	}
	return errors.Join(err, t.Memory.forget())
}

// Pending tells whether this start has something to prove.
func (t *Trial) Pending() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.record != nil
}

// Good tells whether the trial has ended well. Call it after Begin.
func (t *Trial) Good() bool {
	select {
	case <-t.good:
		return true
	default:
		return false
	}
}

// Await returns when the trial has ended well, or the limit is over, or ctx is
// done; false is for the limit.
func (t *Trial) Await(ctx context.Context, limit time.Duration) bool {
	if !t.Pending() {
		return true
	}
	select {
	case <-t.good:
	case <-ctx.Done():
	case <-time.After(limit):
		return !t.Pending()
	}
	return true
}

// Stopped takes the count of a start back that somebody has ended.
func (t *Trial) Stopped() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.record == nil || t.superseded() {
		return nil
	}
	t.record.Starts--
	return t.Memory.write(recordFile, *t.record)
}

// Last tells whether the next start would bring the former program back.
func (t *Trial) Last() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.record != nil && t.record.Starts >= mostStarts
}

// RollBack brings the former program back, for the reason given, and returns
// the path to execute. It does so once.
func (t *Trial) RollBack(ctx context.Context, why string) (former string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := t.record
	if r == nil {
		return "", nil
	}
	t.record = nil
	swap := &Swap{Target: t.Program}
	old := swap.Old()
	if self, err := os.Executable(); err == nil && same(self, old) {
		return "", fmt.Errorf("kitops %s is not good (%s), and the former program is the same", r.To, why)
	}
	if err := t.Trier.Try(ctx, old, r.From); err != nil {
		return "", fmt.Errorf("kitops %s is not good (%s), and the former program does not work: %w", r.To, why, err)
	}
	if err := t.Memory.bad(*r, why); err != nil {
		return "", err
	}
	restore := t.restore
	if restore == nil {
		restore = swap.Restore
	}
	switch err := restore(); {
	case err == nil:
		return t.Program, t.Memory.forget()
	case !refused(err):
		return "", err
	}
	r.Starts = mostStarts + 1 // kitops-upgrade.service restores it
	return old, t.Memory.write(recordFile, *r)
}
