package metrics

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// world is an agent of which the tests say how it stands.
type world struct {
	t     *testing.T
	tasks map[string]poller.Snapshot
	m     *Metrics
	sets  []Runners
	keys  map[string][]KeyEnd
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, tasks: map[string]poller.Snapshot{}}
	w.m = New(Sources{
		Tasks: func() []string { return slices.Collect(maps.Keys(w.tasks)) },
		Snapshot: func(task string) (poller.Snapshot, bool) {
			s, there := w.tasks[task]
			return s, there
		},
		Workload: func() poller.Workload { return poller.Workload{Running: 1, Slots: 2, Unreported: 3} },
		Mirror:   func(string) (int64, bool) { return 4096, true },
		Runners:  func() []Runners { return w.sets },
		KeyEnds:  func(task string) []KeyEnd { return w.keys[task] },
		GitHub: func() GitHub {
			return GitHub{Requests: map[int]int64{200: 3, 0: 1}, Remaining: map[string]int64{"acme": 4999}}
		},
		Version: "v1.2.3",
	})
	return w
}

// remembers sets what a task knows of a ref, and where its head is.
func (w *world) remembers(task, ref, head string, r poller.RefState) {
	s := w.tasks[task]
	s.State.Refs, s.Heads = maps.Clone(s.State.Refs), maps.Clone(s.Heads)
	if s.Heads == nil {
		s.State.Refs, s.Heads = map[string]poller.RefState{}, map[string]string{}
	}
	s.State.Refs[ref], s.Heads[ref] = r, head
	w.tasks[task] = s
}

// forgets drops a ref.
func (w *world) forgets(task, ref string) {
	s := w.tasks[task]
	s.State.Refs, s.Heads = maps.Clone(s.State.Refs), maps.Clone(s.Heads)
	delete(s.State.Refs, ref)
	delete(s.Heads, ref)
	w.tasks[task] = s
}

func (w *world) looked(task string) { w.m.Observe(poller.Event{Kind: poller.Looked, Task: task}) }

// ran is a run from its start to its end.
func (w *world) ran(task, ref, sha string, outcome poller.Outcome, took time.Duration) {
	before := w.tasks[task].State.Refs[ref]
	r := poller.Run{ID: sha + task, Task: task, Revision: git.Revision{Ref: ref, SHA: sha}, Attempt: 1, Started: time.Now(), Outcome: poller.Pending}
	w.remembers(task, ref, sha, before)
	w.looked(task)
	before.Run = &r
	w.remembers(task, ref, sha, before)
	w.m.Observe(poller.Event{Kind: poller.Started, Task: task, Run: r})
	w.m.Observe(poller.Event{Kind: poller.ActionStarted, Task: task, Run: r})
	ended := r
	ended.Outcome, ended.Finished, ended.Took = outcome, time.Now(), took
	before.Run = &ended
	if outcome == poller.Success {
		before.Applied, before.AppliedAt = sha, ended.Finished
	}
	w.remembers(task, ref, sha, before)
	w.m.Observe(poller.Event{Kind: poller.Finished, Task: task, Run: ended})
}

// scrape returns all samples by their series, as Prometheus' own parser reads them.
func (w *world) scrape() map[string]float64 {
	w.t.Helper()
	answer := w.m.scrape()
	problems, err := promlint.New(strings.NewReader(answer)).Lint()
	if err != nil || len(problems) > 0 {
		w.t.Errorf("promlint: %v %v\n%s", problems, err, answer)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(answer))
	if err != nil {
		w.t.Fatalf("%v\n%s", err, answer)
	}
	samples := map[string]float64{}
	for name, f := range families {
		for _, one := range f.GetMetric() {
			var labels []string
			for _, l := range one.GetLabel() {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			series := strings.TrimPrefix(name, prefix)
			if len(labels) > 0 {
				series += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case one.GetCounter() != nil:
				samples[series] = one.GetCounter().GetValue()
			case one.GetGauge() != nil:
				samples[series] = one.GetGauge().GetValue()
			case one.GetHistogram() != nil:
				samples[series+" count"] = float64(one.GetHistogram().GetSampleCount())
				samples[series+" sum"] = one.GetHistogram().GetSampleSum()
				for _, b := range one.GetHistogram().GetBucket() {
					samples[fmt.Sprintf("%s le=%g", series, b.GetUpperBound())] = float64(b.GetCumulativeCount())
				}
			}
		}
	}
	return samples
}

// want fails the test unless a series has this value.
func (w *world) want(series string, value float64) {
	w.t.Helper()
	if got, there := w.scrape()[series]; !there || got != value {
		w.t.Errorf("%s is %g (%t), want %g", series, got, there, value)
	}
}

func (w *world) wantNone(begins string) {
	w.t.Helper()
	for series := range w.scrape() {
		if strings.HasPrefix(series, begins) {
			w.t.Errorf("%s is there", series)
		}
	}
}

// revisions counts those that are told as applied.
func (w *world) revisions() (n int) {
	w.t.Helper()
	for series := range w.scrape() {
		if strings.HasPrefix(series, "applied_info") {
			n++
		}
	}
	return n
}

const (
	mainRef = "refs/heads/main"
	a, b, c = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "cccccccccccccccccccccccccccccccccccccccc"
)

func TestRunsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tasks["shop"] = poller.Snapshot{}
	w.want(`runs_total{task="shop",outcome="success"}`, 0) // else the first one is no increase
	w.wantNone("last_success_timestamp_seconds")
	w.ran("shop", mainRef, a, poller.Success, 3*time.Second)
	w.ran("shop", mainRef, b, poller.Failure, 2*time.Hour)
	w.want(`runs_total{task="shop",outcome="success"}`, 1)
	w.want(`runs_total{task="shop",outcome="failure"}`, 1)
	w.want(`runs_total{task="shop",outcome="error"}`, 0)
	w.want("run_duration_seconds le=2.5", 0)
	w.want("run_duration_seconds le=5", 1)
	w.want("run_duration_seconds le=3600", 1)
	w.want("run_duration_seconds count", 2)
	w.want("run_duration_seconds sum", 7203)
	w.want("running", 1)
	w.want("slots", 2)
	w.want("outbox_pending", 3)
	w.want(`mirror_bytes{task="shop"}`, 4096)
	w.want(`github_requests_total{code="200"}`, 3)
	w.want(`github_rate_limit_remaining{installation="acme"}`, 4999)
	w.ran("docs", mainRef, c, poller.Success, time.Second)
	w.want(`runs_total{task="docs",outcome="success"}`, 1)
	w.want(`runs_total{task="shop",outcome="success"}`, 1)
	if got := w.scrape()[`last_success_timestamp_seconds{task="shop",ref="refs/heads/main"}`]; time.Since(time.Unix(int64(got), 0)) > time.Minute {
		t.Errorf("last success at %f, in seconds", got)
	}
}

func TestPollsAreCounted(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.tasks["shop"] = poller.Snapshot{}
		w.scrape()
		time.Sleep(time.Minute)
		w.want(`poll_age_seconds{task="shop"}`, 60)
		w.looked("shop")
		for _, err := range []error{errors.New("no route"), &poller.LaterError{Err: errors.New("limit")}} {
			time.Sleep(time.Second)
			w.m.Observe(poller.Event{Kind: poller.Looked, Task: "shop", Err: err})
		}
		w.want(`polls_total{task="shop",result="success"}`, 1)
		w.want(`polls_total{task="shop",result="error"}`, 1)
		w.want(`polls_total{task="shop",result="put_off"}`, 1)
		w.want(`poll_age_seconds{task="shop"}`, 2)
		w.m.Observe(poller.Event{Kind: poller.Started, Task: "shop"})
		time.Sleep(time.Hour)
		w.want(`poll_age_seconds{task="shop"}`, 0)
		w.m.Observe(poller.Event{Kind: poller.Finished, Task: "shop"})
		time.Sleep(time.Second)
		w.want(`poll_age_seconds{task="shop"}`, 1)
		w.m.Observe(poller.Event{Kind: poller.Left, Task: "shop"})
		w.want(`poll_age_seconds{task="shop"}`, 0)
		time.Sleep(time.Second)
		w.tasks["shop"] = poller.Snapshot{Waiting: true}
		w.want(`poll_age_seconds{task="shop"}`, 0)
	})
}

func TestNothingIsCountedWhereMetricsAreOff(*testing.T) {
	var off *Metrics
	off.Nudged(Webhook, 1)
	off.Delivered(Webhook, "accepted")
	off.Announced(a, time.Now())
}

// TestTargetsOfOneName are one series: Prometheus takes no two samples of one.
func TestTargetsOfOneName(t *testing.T) {
	w := newWorld(t)
	w.m.from.Notified = func() []Notified {
		return []Notified{
			{To: "slack at hooks.slack.com", Sent: 1, Failed: 2, Succeeded: time.Unix(7, 0)},
			{To: "slack at hooks.slack.com", Sent: 3, Refused: 4, Succeeded: time.Unix(5, 0)},
		}
	}
	w.want(`notifications_total{to="slack at hooks.slack.com",result="sent"}`, 4)
	w.want(`notifications_total{to="slack at hooks.slack.com",result="refused"}`, 4)
	w.want(`notifications_total{to="slack at hooks.slack.com",result="failed"}`, 2)
	w.want(`notification_last_success_timestamp_seconds{to="slack at hooks.slack.com"}`, 7)
}
