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

	// Where members share the scale set.
	Shares map[string]int `yaml:"shares,omitempty"` // how many runners each shall have for jobs
	Ended  []Told         `yaml:"ended,omitempty"`  // jobs that have ended lately
}

// Job is one that was assigned.
type Job struct {
	ID      int64     `yaml:"id"`
	At      time.Time `yaml:"at"`
	Started bool      `yaml:"started,omitempty"`

	// Where members share the scale set.
	Member string `yaml:"member,omitempty"` // whose runner has it, or shall have it
	Told   `yaml:",inline"`
}

// Told is what GitHub has told of a job, for the member that has its runner.
type Told struct {
	Runner string    `yaml:"runner,omitempty"`
	Title  string    `yaml:"title,omitempty"`
	Of     string    `yaml:"of,omitempty"`     // the repository
	Result string    `yaml:"result,omitempty"` // in GitHub's words
	Until  time.Time `yaml:"until,omitempty"`  // it is remembered
}

// How long GitHub lets a job wait, and run. Later no message about it comes.
const (
	longestWait = 25 * time.Hour
	longestJob  = 6 * 24 * time.Hour
)

func (l *Listening) has(id int64) bool {
	return slices.ContainsFunc(l.Jobs, func(j Job) bool { return j.ID == id })
}

// assign notes that a job waits for a runner, also one whose runner was lost.
func (l *Listening) assign(id int64, now time.Time) {
	l.withdraw(id)
	i := slices.IndexFunc(l.Jobs, func(j Job) bool { return j.ID == id })
	if i < 0 {
		l.Jobs = append(slices.Clip(l.Jobs), Job{ID: id, At: now})
	} else if l.Jobs[i].Started {
		l.Jobs = slices.Clone(l.Jobs)
		l.Jobs[i] = Job{ID: id, At: now, Member: l.Jobs[i].Member}
	}
}

func (l *Listening) start(id int64, now time.Time) {
	started := Job{ID: id, At: now, Started: true}
	if i := slices.IndexFunc(l.Jobs, func(j Job) bool { return j.ID == id }); i >= 0 {
		started.Member = l.Jobs[i].Member
	}
	l.complete(id)
	l.Jobs = append(slices.Clip(l.Jobs), started)
}

// hand notes which runner a job has.
func (l *Listening) hand(by allotment, j job) {
	by.started(l.Jobs, j.ID, j.RunnerName)
	i := slices.IndexFunc(l.Jobs, func(other Job) bool { return other.ID == j.ID })
	l.Jobs[i].Told = j.told()
}

// end notes for the members that a job has ended.
func (l *Listening) end(t Told, now time.Time) {
	if t.Runner == "" {
		return
	}
	t.Until = now.Add(2 * time.Minute)
	l.Ended = slices.DeleteFunc(slices.Clone(l.Ended), func(old Told) bool { return old.Until.Before(now) })
	l.Ended = append(l.Ended[max(0, len(l.Ended)-mostEnded+1):], t)
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

// Registered are the runners whose registrations have yet to be removed, and what a member says of itself.
type Registered struct {
	Prefix   string   `yaml:"prefix,omitempty"`   // of the names of its runners
	Start    string   `yaml:"start,omitempty"`    // of the member
	Capacity int      `yaml:"capacity,omitempty"` // how many it can have now
	Runners  []Runner `yaml:"runners,omitempty"`
}

// Runner is one that was, or is about to be, registered.
type Runner struct {
	Name  string    `yaml:"name"`
	ID    int64     `yaml:"id,omitempty"`    // at GitHub; 0: found by the name
	Run   string    `yaml:"run,omitempty"`   // what its processes carry
	Group string    `yaml:"group,omitempty"` // its processes, as the one who starts them says
	At    time.Time `yaml:"at"`
	// Removed says that another member has removed the registration: what is left are processes.
	Removed bool `yaml:"removed,omitempty"`
}

func (r *Registered) set(runner Runner) {
	r.drop(runner.Name)
	r.Runners = append(r.Runners, runner)
}

// Empty tells that there is nothing to keep.
func (r Registered) Empty() bool {
	return r.Prefix == "" && r.Start == "" && r.Capacity == 0 && len(r.Runners) == 0
}

// buried is what is left of a member that was gone: registrations that could not be removed, and runners whose processes it
// has to end if it is started again.
func (r Registered) buried(gone Registered, removed map[string]bool, now time.Time) Registered {
	if r.Start == gone.Start {
		r.Prefix, r.Start, r.Capacity = "", "", 0
	}
	var left []Runner
	for _, runner := range r.Runners {
		runner.Removed = runner.Removed || removed[runner.Name]
		if !runner.Removed || now.Sub(runner.At) < longestJob {
			left = append(left, runner)
		}
	}
	r.Runners = left
	return r
}

func (r *Registered) drop(name string) {
	r.Runners = slices.DeleteFunc(slices.Clone(r.Runners), func(other Runner) bool { return other.Name == name })
}
