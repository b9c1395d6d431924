package metrics

import (
	"cmp"
	"maps"
	"runtime"
	"slices"
	"strconv"
	"time"

	"github.com/bittrance/kitops/poller"
)

// scrape writes all metrics as they are now.
func (m *Metrics) scrape() string {
	now := time.Now()
	watched := m.from.Tasks()
	slices.Sort(watched)
	snapshots := make([]poller.Snapshot, len(watched))
	for i, name := range watched {
		snapshots[i], _ = m.from.Snapshot(name)
	}
	mirrors, keys := m.mirrors(watched), m.keys(watched)
	var sets []Runners
	if m.from.Runners != nil {
		sets = m.from.Runners()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.keep(watched, snapshots)
	t := &text{}
	t.family(gauge, "build_info", "What runs, always 1.")
	t.sample(1, label{"version", m.from.Version}, label{"go", runtime.Version()})
	m.writeTasks(t, watched, snapshots, now)
	m.writeRefs(t, watched)
	m.runs.write(t, "run_duration_seconds", "How long runs took, all tasks together.")
	m.pushes.write(t, "push_to_run_seconds", "From the delivery that announced a revision to its first action, once for each revision and task.")
	m.writeWork(t)
	m.writeHooks(t)
	m.writeGitHub(t)
	m.writeNotified(t)
	m.writeRunners(t, sets)
	writeKeys(t, watched, keys)
	if len(mirrors) > 0 {
		t.family(gauge, "mirror_bytes", "Bytes of a task's clone, which tasks on one repository share.")
		for _, name := range slices.Sorted(maps.Keys(mirrors)) {
			t.sample(float64(mirrors[name]), label{"task", name})
		}
	}
	return t.String()
}

// keep makes the records those of the tasks that are watched.
func (m *Metrics) keep(watched []string, snapshots []poller.Snapshot) {
	for name := range m.tasks {
		if _, there := slices.BinarySearch(watched, name); !there {
			delete(m.tasks, name)
		}
	}
	for i, name := range watched {
		if m.tasks[name] == nil {
			m.task(name).take(snapshots[i], time.Now())
		}
	}
}

func (m *Metrics) writeTasks(t *text, watched []string, snapshots []poller.Snapshot, now time.Time) {
	if len(watched) == 0 {
		return
	}
	t.family(counter, "runs_total", "Runs that have ended, by outcome.")
	for _, name := range watched {
		for _, outcome := range slices.Sorted(maps.Keys(m.tasks[name].runs)) {
			t.sample(float64(m.tasks[name].runs[outcome]), label{"task", name}, label{"outcome", string(outcome)})
		}
	}
	t.family(counter, "polls_total", "Polls of the remote that have ended, by result.")
	for _, name := range watched {
		for _, result := range slices.Sorted(maps.Keys(m.tasks[name].polls)) {
			t.sample(float64(m.tasks[name].polls[result]), label{"task", name}, label{"result", result})
		}
	}
	t.family(gauge, "poll_age_seconds", "Since the last poll that the remote answered, or the end of the last run; 0 while the task runs or waits for a slot.")
	for i, name := range watched {
		age := now.Sub(m.tasks[name].answered)
		if m.tasks[name].running || snapshots[i].Waiting {
			age = 0
		}
		t.sample(max(0, age.Seconds()), label{"task", name})
	}
	t.family(gauge, "failing", "1 where the last run of a branch or tag that came to its end has failed, also while the next one runs.")
	for _, name := range watched {
		failing := 0.0
		if m.tasks[name].failing() {
			failing = 1
		}
		t.sample(failing, label{"task", name})
	}
	t.family(gauge, "behind_seconds", "Since a poll first saw the oldest head that should be applied and is not; 0 where there is none.")
	for _, name := range watched {
		t.sample(max(0, m.tasks[name].behind(now).Seconds()), label{"task", name})
	}
	m.writeHolds(t, watched, snapshots)
}

func (m *Metrics) writeRefs(t *text, watched []string) {
	refs := map[string][]series{}
	for _, name := range watched {
		if all := m.tasks[name].series(); len(all) > 0 {
			refs[name] = all
		}
	}
	if len(refs) == 0 {
		return
	}
	t.family(gauge, "applied_info", "The revision that a ref has applied, always 1.")
	for _, name := range watched {
		for _, s := range refs[name] {
			t.sample(1, label{"task", name}, label{"ref", s.ref}, label{"sha", s.sha})
		}
	}
	t.family(gauge, "last_success_timestamp_seconds", "When a ref was last applied, in seconds since 1970.")
	for _, name := range watched {
		for _, s := range refs[name] {
			if !s.at.IsZero() {
				t.sample(float64(s.at.UnixMilli())/1000, label{"task", name}, label{"ref", s.ref})
			}
		}
	}
}

func (m *Metrics) writeWork(t *text) {
	if m.from.Workload == nil {
		return
	}
	work := m.from.Workload()
	t.family(gauge, "running", "Runs under way.")
	t.sample(float64(work.Running))
	t.family(gauge, "slots", "How many runs may be under way at the same time.")
	t.sample(float64(work.Slots))
	t.family(gauge, "outbox_pending", "Reports to GitHub that have yet to arrive.")
	t.sample(float64(work.Unreported))
}

func (m *Metrics) writeHooks(t *text) {
	t.family(counter, "nudges_total", "Hints that a repository has moved, by where they come from.")
	for _, source := range slices.Sorted(maps.Keys(m.nudges)) {
		t.sample(float64(m.nudges[source]), label{"source", source})
	}
	t.family(counter, "webhook_deliveries_total", "Webhook deliveries, by the way they came and what became of them.")
	order := func(a, b delivery) int {
		return cmp.Or(cmp.Compare(a.source, b.source), cmp.Compare(a.result, b.result))
	}
	for _, d := range slices.SortedFunc(maps.Keys(m.deliveries), order) {
		t.sample(float64(m.deliveries[d]), label{"source", d.source}, label{"result", d.result})
	}
}

func (m *Metrics) writeGitHub(t *text) {
	if m.from.GitHub == nil {
		return
	}
	use := m.from.GitHub()
	if len(use.Requests) > 0 {
		t.family(counter, "github_requests_total", "Requests to GitHub's API by the code of the answer, 0 for none.")
		for _, code := range slices.Sorted(maps.Keys(use.Requests)) {
			t.sample(float64(use.Requests[code]), label{"code", strconv.Itoa(code)})
		}
	}
	if len(use.Remaining) > 0 {
		t.family(gauge, "github_rate_limit_remaining", "Requests that an installation may still make in this hour, by its account.")
		for _, account := range slices.Sorted(maps.Keys(use.Remaining)) {
			t.sample(float64(use.Remaining[account]), label{"installation", account})
		}
	}
}

// mirrors are the sizes of clones, measured where a run may have changed them.
func (m *Metrics) mirrors(watched []string) map[string]int64 {
	sizes := map[string]int64{}
	if m.from.Mirror == nil {
		return sizes
	}
	for _, name := range watched {
		m.mu.Lock()
		t := m.tasks[name]
		if t == nil {
			m.mu.Unlock()
			continue
		}
		size, measured := t.mirror, t.measured
		t.measured = true
		m.mu.Unlock()
		if !measured {
			bytes, there := m.from.Mirror(name)
			if size = bytes; !there {
				size = -1
			}
			m.mu.Lock()
			t.mirror = size
			m.mu.Unlock()
		}
		if size >= 0 {
			sizes[name] = size
		}
	}
	return sizes
}
