package metrics

import (
	"slices"
	"time"
)

// Runners is how those of a set stand. Those with a job are busy.
type Runners struct {
	Set                     string
	Idle, Busy, Wanted, Max int
	Blocked                 bool // none is started
}

// jobResults are GitHub's, and lost: of a job whose runner ended before it. What is none of them is counted as unknown.
func jobResults() []string {
	return []string{"succeeded", "failed", "canceled", "lost", "unknown"}
}

// waitBounds go from a runner that was ready to a job that GitHub gives to another.
func waitBounds() []float64 {
	return []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}
}

// JobEnded counts a job of a set.
func (m *Metrics) JobEnded(set, result string) {
	if m == nil {
		return
	}
	if !slices.Contains(jobResults(), result) {
		result = "unknown"
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.jobs[set] == nil {
		m.jobs[set] = map[string]uint64{}
	}
	m.jobs[set][result]++
}

// JobBegan notes how long a job waited for its runner.
func (m *Metrics) JobBegan(waited time.Duration) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waits.observe(waited)
}

// writeRunners tells of the sets that there are. The caller holds m.mu.
func (m *Metrics) writeRunners(t *text, sets []Runners) {
	for name := range m.jobs {
		if !slices.ContainsFunc(sets, func(r Runners) bool { return r.Set == name }) {
			delete(m.jobs, name)
		}
	}
	if len(sets) == 0 {
		return
	}
	t.family(gauge, "runners", "Runners of a scale set, by whether they have a job.")
	for _, r := range sets {
		t.sample(float64(r.Idle), label{"set", r.Set}, label{"state", "idle"})
		t.sample(float64(r.Busy), label{"set", r.Set}, label{"state", "busy"})
	}
	for _, family := range []struct {
		name, help string
		value      func(Runners) float64
	}{
		{"runners_wanted", "Runners that there should be by the jobs that wait and run.", func(r Runners) float64 { return float64(r.Wanted) }},
		{"runners_max", "Runners that there may be together.", func(r Runners) float64 { return float64(r.Max) }},
		{"runners_blocked", "1 where no new runner is started: the disk is full, they do not work, or kitops stops.", func(r Runners) float64 {
			if r.Blocked {
				return 1
			}
			return 0
		}},
	} {
		t.family(gauge, family.name, family.help)
		for _, r := range sets {
			t.sample(family.value(r), label{"set", r.Set})
		}
	}
	t.family(counter, "runner_jobs_total", "Jobs that have ended on runners of this agent, by result.")
	for _, r := range sets {
		for _, result := range jobResults() {
			t.sample(float64(m.jobs[r.Set][result]), label{"set", r.Set}, label{"result", result})
		}
	}
	m.waits.write(t, "runner_job_wait_seconds", "From the message that a job is assigned to the one that its runner has begun it, all sets together, where this agent listens.")
}
