package metrics

import (
	"errors"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller"
)

// Sources are asked for what no event tells. Only Tasks and Snapshot are required; those that are nil tell nothing.
type Sources struct {
	Tasks    func() []string // the names of those that are watched
	Snapshot func(task string) (poller.Snapshot, bool)
	Workload func() poller.Workload
	Mirror   func(task string) (bytes int64, there bool)
	GitHub   func() GitHub
	Notified func() []Notified          // by target
	Runners  func() []Runners           // by set, sorted
	KeyEnds  func(task string) []KeyEnd // by their time, each key once
	Version  string                     // of kitops
}

// Notified is how messages to a target have fared.
type Notified struct {
	To                    string
	Sent, Refused, Failed uint64
	Succeeded             time.Time // zero: never
}

// GitHub is what kitops knows of its use of the API.
type GitHub struct {
	Requests  map[int]int64    // by status code, 0: no answer
	Remaining map[string]int64 // of the hourly limit, by account
}

// Metrics counts what an agent does. It is safe for concurrent use, and a nil one counts nothing.
type Metrics struct {
	from  Sources
	begun time.Time

	mu         sync.Mutex
	tasks      map[string]*task
	runs       histogram
	pushes     histogram
	waits      histogram                    // of jobs for runners
	jobs       map[string]map[string]uint64 // by set of runners and result
	announced  announcements
	nudges     map[string]uint64   // by source
	deliveries map[delivery]uint64 // all that can be are there from the start
}

type delivery struct{ source, result string }

// New returns metrics of which nothing has been counted yet.
func New(from Sources) *Metrics {
	m := &Metrics{
		from: from, begun: time.Now(), tasks: map[string]*task{}, runs: newHistogram(runBounds()), pushes: newHistogram(pushBounds()),
		waits: newHistogram(waitBounds()), jobs: map[string]map[string]uint64{},
		nudges: map[string]uint64{}, deliveries: map[delivery]uint64{},
	}
	for source, results := range map[string][]string{
		Webhook: {"accepted", "ignored", "refused", "busy"}, Relay: {"accepted", "ignored", "unverified", "refused"}, DeliveryLog: {"accepted", "ignored"},
	} {
		m.nudges[source] = 0
		for _, result := range results {
			m.deliveries[delivery{source, result}] = 0
		}
	}
	m.nudges[Order] = 0
	return m
}

// Where nudges come from.
const (
	Webhook     = "webhook"
	Relay       = "relay"
	DeliveryLog = "delivery_log"
	Order       = "order" // of a person: kitops poll, SIGUSR1
)

// Nudged counts nudges that were handed on.
func (m *Metrics) Nudged(source string, n int) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.nudges[source] += uint64(n)
}

// Delivered counts a delivery and what became of it, one of a few words.
func (m *Metrics) Delivered(source, result string) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.deliveries[delivery{source, result}]++
}

// Announced notes that a delivery told of a revision then.
func (m *Metrics) Announced(sha string, at time.Time) {
	if m == nil || sha == "" {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.announced.add(sha, at)
}

// Observe is a [poller.Observer].
func (m *Metrics) Observe(e poller.Event) {
	switch e.Kind {
	case poller.Looked, poller.Left, poller.Started, poller.ActionStarted, poller.Finished, poller.Interrupted:
	default:
		return
	}
	var now poller.Snapshot
	if e.Kind != poller.ActionStarted {
		now, _ = m.from.Snapshot(e.Task)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	t := m.task(e.Task)
	switch e.Kind {
	case poller.Looked:
		t.looked(e.Err)
	case poller.Left: // it is well, as far as this instance goes
		t.answered, t.running = time.Now(), false
	case poller.Started:
		t.running, t.fresh = true, e.Run.Attempt == 1
	case poller.ActionStarted:
		if at, told := m.announced.firstOf(e.Run.Revision.SHA, e.Task); told && t.fresh {
			m.pushes.observe(time.Since(at))
		}
		t.fresh = false
		return
	case poller.Finished:
		m.runs.observe(e.Run.Duration())
		t.ended(e.Run)
	case poller.Interrupted:
		t.ended(e.Run)
	}
	t.take(now, time.Now())
}

// task is the record of a task. The caller holds m.mu.
func (m *Metrics) task(name string) *task {
	t := m.tasks[name]
	if t == nil {
		t = newTask(time.Now())
		m.tasks[name] = t
	}
	return t
}

// looked counts a poll.
func (t *task) looked(err error) {
	var later *poller.LaterError
	switch {
	case err == nil:
		t.polls[polled]++
		t.answered = time.Now()
	case errors.As(err, &later):
		t.polls[putOff]++
	default:
		t.polls[failed]++
	}
	t.running = false
}
