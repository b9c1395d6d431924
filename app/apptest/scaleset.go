package apptest

import (
	"fmt"
	"slices"
	"time"
)

// RunnerOptions are how GitHub's service for runners behaves.
type RunnerOptions struct {
	LongPoll time.Duration // until a poll is answered without a message; 50 s when 0
	Reassign time.Duration // until a job whose runner is lost is given to another; a minute when 0
	Public   string        // the runner group that public repositories may use
	Offer    bool          // jobs are offered and have to be acquired, as on Enterprise Server; else assigned up to the capacity
}

// ScaleSet is one that a program has registered, or that jobs wait for.
type ScaleSet struct {
	ID   int64
	Name string

	g        *GitHub
	scope    string // acme or acme/shop
	group    int64
	labels   []fields
	gone     bool
	session  *runnerSession
	messages []runnerMessage // not yet deleted
	jobs     []*Job
	runners  []*registeredRunner
	counted  *int // what statistics say instead of the truth
	unheard  bool // messages carry no jobs
	hollow   int  // sessions that get no queue
}

type runnerSession struct {
	id, owner, token string
	vanished         bool
}

type runnerMessage struct {
	id   int64
	jobs []fields
}

// Job is one that waits for runners of a scale set.
type Job struct {
	ID    int64
	Title string
	Take  string // what the runner of the tests is told to do

	set       *ScaleSet
	state     string // queued, offered, assigned, running, completed
	runner    *registeredRunner
	result    string
	acquired  int // how often it was assigned to the scale set
	started   int // by how many runners
	assigned  time.Time
	took      []time.Duration // from the assignment to each start
	lost      time.Time       // when its runner was
	abandoned bool
}

type registeredRunner struct {
	id     int64
	name   string
	secret string
	used   int // by how many processes
	gone   bool
}

// ScaleSet finds one that was registered, nil where there is none.
func (g *GitHub) ScaleSet(scope, name string) *ScaleSet {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.scaleSetNamed(scope, name)
}

func (g *GitHub) scaleSetNamed(scope, name string) *ScaleSet {
	i := slices.IndexFunc(g.scaleSets, func(s *ScaleSet) bool { return s.scope == scope && s.Name == name && !s.gone })
	if i < 0 {
		return nil
	}
	return g.scaleSets[i]
}

// Queue puts a job before the scale set. Take is for the runner of the tests.
func (s *ScaleSet) Queue(title, take string) *Job {
	j := &Job{Title: title, Take: take, set: s, state: "queued"}
	s.g.change(func() error {
		j.ID = s.g.nextID()
		s.jobs = append(s.jobs, j)
		if s.g.options.Runners.Offer {
			s.offer(j)
		}
		return nil
	})
	return j
}

// offer tells of a job that has to be acquired.
func (s *ScaleSet) offer(j *Job) {
	j.state = "offered"
	s.news(fields{"messageType": "JobAvailable", "runnerRequestId": j.ID, "jobDisplayName": j.Title})
}

// Cancel ends a job that has not begun.
func (j *Job) Cancel() {
	j.set.g.change(func() error {
		if j.state == "running" {
			return fmt.Errorf("job %s runs", j.Title)
		}
		j.complete("canceled")
		return nil
	})
}

// State is queued, offered, assigned, running, or the result of a job that has ended.
func (j *Job) State() string {
	j.set.g.mu.Lock()
	defer j.set.g.mu.Unlock()
	if j.state == "completed" {
		return j.result
	}
	return j.state
}

// Counts tells how often the job was acquired, and started by a runner.
func (j *Job) Counts() (acquired, started int) {
	j.set.g.mu.Lock()
	defer j.set.g.mu.Unlock()
	return j.acquired, j.started
}

// Waits are the times from its assignments to the runners that began it.
func (j *Job) Waits() []time.Duration {
	j.set.g.mu.Lock()
	defer j.set.g.mu.Unlock()
	return slices.Clone(j.took)
}

// Registrations are the names of the runners that are registered.
func (s *ScaleSet) Registrations() []string {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	names := []string{}
	for _, r := range s.runners {
		if !r.gone {
			names = append(names, r.name)
		}
	}
	return names
}

// Used tells the most processes that one configuration had.
func (s *ScaleSet) Used() (most int) {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	for _, r := range s.runners {
		most = max(most, r.used)
	}
	return most
}

// Lose makes GitHub forget the scale set, as it does after an idle week or an incident.
func (s *ScaleSet) Lose() { s.g.change(func() error { s.gone, s.session = true, nil; return nil }) }

// Count has statistics say that many assigned jobs, or the truth again when n is negative.
func (s *ScaleSet) Count(n int) {
	s.g.change(func() error {
		if s.counted = &n; n < 0 {
			s.counted = nil
		}
		s.messages = append(s.messages, runnerMessage{id: s.g.nextID()}) // only messages carry statistics
		return nil
	})
}

// Unheard has jobs assigned without a message.
func (s *ScaleSet) Unheard(yes bool) { s.g.change(func() error { s.unheard = yes; return nil }) }

// Occupy begins a session of somebody else's. The empty owner ends whatever session there is.
func (s *ScaleSet) Occupy(owner string) {
	s.g.change(func() error {
		if s.session = nil; owner != "" {
			s.session = &runnerSession{id: newUUID(), owner: owner, token: "queue-" + randomHex(20)}
		}
		return nil
	})
}

// ExpireSession makes the session's token one of yesterday. Vanished sessions are not renewed either.
func (s *ScaleSet) ExpireSession(vanished bool) {
	s.g.change(func() error {
		if s.session != nil {
			s.session.token, s.session.vanished = "queue-"+randomHex(20), vanished
		}
		return nil
	})
}

// Hollow has that many sessions begin without a queue.
func (s *ScaleSet) Hollow(n int) { s.g.change(func() error { s.hollow = n; return nil }) }

// Listener is who holds the session, "" for nobody.
func (s *ScaleSet) Listener() string {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	if s.session == nil {
		return ""
	}
	return s.session.owner
}

// Messages is how many have not been acknowledged.
func (s *ScaleSet) Messages() int {
	s.g.mu.Lock()
	defer s.g.mu.Unlock()
	return len(s.messages)
}

func (s *ScaleSet) news(f fields) {
	f["repositoryName"], f["ownerName"] = "shop", "acme"
	if s.unheard && f["messageType"] != "JobStarted" && f["messageType"] != "JobCompleted" {
		f = nil
	}
	m := runnerMessage{id: s.g.nextID()}
	if f != nil {
		m.jobs = append(m.jobs, f)
	}
	s.messages = append(s.messages, m)
}

// assign gives waiting jobs to the scale set, up to its capacity.
func (s *ScaleSet) assign(capacity int) {
	now := s.g.Now()
	for _, j := range s.jobs {
		if j.state == "running" && !j.lost.IsZero() && now.Sub(j.lost) >= s.g.reassign() {
			j.state, j.runner, j.lost, j.assigned, j.abandoned = "assigned", nil, time.Time{}, now, true
			s.tellAssigned(j)
		}
		if j.state == "queued" && !s.g.options.Runners.Offer && s.assignedJobs() < capacity {
			j.take(now)
			s.tellAssigned(j)
		}
	}
}

func (j *Job) take(now time.Time) {
	j.state, j.assigned = "assigned", now
	j.acquired++
}

func (s *ScaleSet) tellAssigned(j *Job) {
	s.news(fields{"messageType": "JobAssigned", "runnerRequestId": j.ID, "jobDisplayName": j.Title})
}

func (s *ScaleSet) assignedJobs() (n int) {
	for _, j := range s.jobs {
		if j.state == "assigned" || j.state == "running" {
			n++
		}
	}
	return n
}

// statistics are what each message carries.
func (s *ScaleSet) statistics() fields {
	assigned, running := s.assignedJobs(), 0
	for _, j := range s.jobs {
		if j.state == "running" {
			running++
		}
	}
	if s.counted != nil {
		assigned = *s.counted
	}
	return fields{"totalAssignedJobs": assigned, "totalRunningJobs": running, "totalRegisteredRunners": len(s.runners)}
}

func (j *Job) complete(result string) {
	if j.state == "completed" {
		return
	}
	f := fields{"messageType": "JobCompleted", "runnerRequestId": j.ID, "jobDisplayName": j.Title, "result": result}
	if j.runner != nil {
		f["runnerName"], f["runnerId"], j.runner.gone = j.runner.name, j.runner.id, true
	}
	j.state, j.result = "completed", result
	j.set.news(f)
}

func (g *GitHub) reassign() time.Duration {
	if d := g.options.Runners.Reassign; d > 0 {
		return d
	}
	return time.Minute
}
