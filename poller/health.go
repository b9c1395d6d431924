package poller

import (
	"cmp"
	"errors"
	"time"
)

// lateness is how long a sign of life may be overdue: clocks jump, machines stall.
const lateness = 2 * time.Minute

// TaskHealth is how the looks of a task go.
type TaskHealth struct {
	Name     string
	Looked   bool      // a look has ended, well or not, since this agent started
	LastLook time.Time // when the latest look began; zero before the first
	NextLook time.Time // when the next is due; zero before the first
	Late     bool      // neither a look nor a run has ended when it should have
	Behind   bool      // no instance polls it as it should
	Failures int       // failed looks in a row
	Err      error     // of the latest look that ended
}

// vitals are the signs of life of a watch. They are guarded by p.mu.
type vitals struct {
	looked      bool
	began, due  time.Time
	failures    int
	err         error
	succeeded   time.Time // when a look last did
	expectation time.Time // when the next sign of life comes at the latest; zero: nobody knows
}

// Health tells of every task, in the order of Set. An attempt is a look: a
// failing remote makes no task late, nor does a run within its timeout or the
// wait for one.
func (p *Poller) Health() []TaskHealth {
	now, alone := time.Now(), p.alone()
	p.mu.Lock()
	defer p.mu.Unlock()
	all := make([]TaskHealth, len(p.tasks))
	for i, task := range p.tasks {
		all[i].Name = task.Name
		if w := p.watches[task.Name]; w != nil {
			v := w.vitals
			all[i] = TaskHealth{
				Name: task.Name, Looked: v.looked, LastLook: v.began, NextLook: v.due, Failures: v.failures, Err: v.err,
				Behind: alone[task.Name],
				Late:   !v.expectation.IsZero() && now.After(v.expectation.Add(lateness)),
			}
		}
	}
	return all
}

// expect says when the watch will be heard of again; the zero time is never late.
func (w *watch) expect(t time.Time) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.vitals.expectation = t
}

// setWaiting says what a run waits for, "" when it does not any more.
func (w *watch) setWaiting(what string) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.waiting = what
}

// looking notes that a look begins.
func (w *watch) looking() {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.vitals.began = time.Now()
	w.vitals.expectation = w.vitals.began.Add(maxLook)
}

// hasLooked notes how a look ended, and what it learned of the repository.
func (w *watch) hasLooked(err error) {
	w.p.mu.Lock()
	defer w.p.mu.Unlock()
	w.vitals.looked, w.vitals.err = true, err
	w.vitals.due, w.vitals.failures = w.due, w.failures
	var later *LaterError
	if err == nil || errors.As(err, &later) {
		w.vitals.succeeded = time.Now()
	}
	w.repository = cmp.Or(w.mem.State.Identity, w.identity)
	w.snapshot = w.mem.State
}
