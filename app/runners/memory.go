package runners

import (
	"context"
	"slices"
	"time"
)

// Keeper keeps what has to outlive the process. Change makes a change to what is kept now, and returns once that is durable.
type Keeper[T any] struct {
	Load   func(context.Context) (T, error)
	Change func(context.Context, func(T) T) error
}

// Listening is what is kept of a scale set. Nothing of it is secret.
type Listening struct {
	ScaleSet int64   `yaml:"scale_set,omitempty"`
	Session  string  `yaml:"session,omitempty"` // the last one; it ends before another begins
	Message  int64   `yaml:"message,omitempty"` // the last that was acted on
	Jobs     []Job   `yaml:"jobs,omitempty"`    // assigned and not completed
	Offered  []int64 `yaml:"offered,omitempty"` // jobs for which there was no room
	Known    bool    `yaml:"known"`             // false: this is the first session, and GitHub's count is all there is
}

// Job is one that was assigned.
type Job struct {
	ID      int64     `yaml:"id"`
	At      time.Time `yaml:"at"`
	Started bool      `yaml:"started,omitempty"`
}

// How long GitHub lets a job wait, and run. Later no message about it comes.
const (
	longestWait = 25 * time.Hour
	longestJob  = 6 * 24 * time.Hour
)

func (l *Listening) has(id int64) bool {
	return slices.ContainsFunc(l.Jobs, func(j Job) bool { return j.ID == id })
}

func (l *Listening) assign(id int64, now time.Time) {
	l.withdraw(id)
	if !l.has(id) {
		l.Jobs = append(slices.Clip(l.Jobs), Job{ID: id, At: now})
	}
}

func (l *Listening) start(id int64, now time.Time) {
	l.complete(id)
	l.Jobs = append(slices.Clip(l.Jobs), Job{id, now, true})
}

func (l *Listening) complete(id int64) {
	l.withdraw(id)
	l.Jobs = slices.DeleteFunc(slices.Clone(l.Jobs), func(j Job) bool { return j.ID == id })
}

func (l *Listening) offer(id int64) {
	if !slices.Contains(l.Offered, id) && !l.has(id) {
		l.Offered = append(slices.Clip(l.Offered), id)
	}
}

func (l *Listening) withdraw(ids ...int64) {
	l.Offered = slices.DeleteFunc(slices.Clone(l.Offered), func(id int64) bool { return slices.Contains(ids, id) })
}

// forget drops jobs of which nothing will be heard any more.
func (l *Listening) forget(now time.Time) {
	l.Jobs = slices.DeleteFunc(slices.Clone(l.Jobs), func(j Job) bool {
		age := now.Sub(j.At)
		return age > longestJob || !j.Started && age > longestWait
	})
}

// Registered are the runners whose registrations have yet to be removed.
type Registered struct {
	Runners []Runner `yaml:"runners,omitempty"`
}

// Runner is one that was, or is about to be, registered.
type Runner struct {
	Name  string    `yaml:"name"`
	ID    int64     `yaml:"id,omitempty"`    // at GitHub; 0: found by the name
	Run   string    `yaml:"run,omitempty"`   // what its processes carry
	Group string    `yaml:"group,omitempty"` // its processes, as the one who starts them says
	At    time.Time `yaml:"at"`
}

func (r *Registered) set(runner Runner) {
	r.drop(runner.Name)
	r.Runners = append(r.Runners, runner)
}

func (r *Registered) drop(name string) {
	r.Runners = slices.DeleteFunc(slices.Clone(r.Runners), func(other Runner) bool { return other.Name == name })
}
