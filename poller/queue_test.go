package poller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// listener is a reporter that says what it has heard, with the note that it was given, which is then the name of the run.
type listener struct {
	mu   sync.Mutex
	all  []string
	down bool
	ids  map[string]bool
}

func (h *listener) report(_ context.Context, r Report) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down {
		return errors.New("down")
	}
	if h.ids == nil {
		h.ids = map[string]bool{}
	}
	h.ids[r.Run.ID] = true
	text := fmt.Sprintf("%s %s", r.Run.Revision.SHA[:1], r.Run.Outcome)
	for _, word := range []string{r.Run.Waits, r.Run.Reason, r.Remark} {
		if word != "" {
			text += ", " + word
		}
	}
	switch *r.Note {
	case "":
	case r.Run.ID:
		text += " (its own)"
	default:
		text += " (another's)"
	}
	*r.Note = r.Run.ID
	h.all = append(h.all, text)
	return nil
}

// since are those heard since it was asked last.
func (h *listener) since() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	all := h.all
	h.all = nil
	return all
}

func (h *listener) set(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

// TestWhatWaitsIsReported for what it waits, goes on under the same ID, and is taken back when it will not run.
func TestWhatWaitsIsReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a"), &listener{}
		works(r, time.Second)
		task := reported(r, "deploy", "main")
		task.ReportAs = "check"
		task.Rules = Rules{Approve: true, Windows: windows(t, "06:00-20:00 UTC")}
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		want(t, "at midnight", h.since(), []string{"a pending, approval, waits for approval of aaaaaaa"})
		elapse(30 * time.Minute)
		want(t, "once", h.since(), []string{})
		b.ordered(t, Order{What: Approve})
		want(t, "approved", h.since(), []string{"a pending, window, opens Sat 06:00 UTC (its own)"})
		b.ordered(t, Order{What: Pause, Until: time.Now().Add(13 * time.Hour)})
		want(t, "paused", h.since(), []string{"a pending, resume, paused by anna until 1 Jan 13:30 (its own)"})
		elapse(7 * time.Hour)
		want(t, "once", h.since(), []string{})
		b.ordered(t, Order{What: Resume})
		elapse(time.Minute)
		want(t, "runs", h.since(), []string{"a pending (its own)", "a success (its own)"})
		want(t, "runs", len(h.ids), 1)
		want(t, "left", len(b.state(t, "deploy").Queue), 0)

		r.push("main", "b")
		elapse(time.Minute)
		want(t, "another", h.since(), []string{"b pending, approval, waits for approval of bbbbbbb"})
		r.push("main", "c")
		elapse(time.Minute)
		want(t, "moved", h.since(), []string{
			"b failure, approval, superseded by ccccccc (its own)", "c pending, approval, waits for approval of ccccccc",
		})
		r.push("main", "a") // which is applied
		elapse(time.Minute)
		want(t, "moved back", h.since(), []string{"c failure, approval, superseded by aaaaaaa (its own)"})
	})
}

// TestWhatWaitsWhenItsRefGoes is not left waiting, nor is what was told of another run on that commit.
func TestWhatWaitsWhenItsRefGoes(t *testing.T) {
	for as, gone := range map[string][]string{
		"check": {"b failure, approval, left the merge queue (its own)", "c failure, approval, side is gone (its own)", "a success, approval, Not run: twin is gone (its own)"},
		"":      {"c failure, approval, side is gone (its own)", "a success, approval, Not run: twin is gone (its own)"},
	} {
		synctest.Test(t, func(t *testing.T) {
			r, h := newRemote("main a"), &listener{}
			task := reported(r, "deploy", "**")
			task.ReportAs, task.RunNew, task.Rules.Approve = as, true, true
			b := newBench(t, task)
			b.Report = h.report
			b.start(t)
			b.ordered(t, Order{What: Approve})
			elapse(time.Minute)
			r.push("gh-readonly-queue/main/pr-7", "b")
			r.push("side", "c")
			r.push("twin", "a")
			elapse(time.Minute)
			want(t, "waiting", len(b.state(t, "deploy").Queue), 3)
			h.since()
			for _, name := range []string{"gh-readonly-queue/main/pr-7", "side", "twin"} {
				r.remove(name)
			}
			elapse(time.Minute)
			want(t, "as "+as, h.since(), gone)
			want(t, "left", len(b.state(t, "deploy").Queue), 0)
		})
	}
}

// TestWhatWaitsWhenItsTaskGoes, or watches another repository, or is told of elsewhere.
func TestWhatWaitsWhenItsTaskGoes(t *testing.T) {
	for name, test := range map[string]struct {
		change func(*Task) bool
		want   []string
	}{
		"removed": {func(*Task) bool { return false }, []string{"a failure, approval, the task is not watched any more (its own)"}},
		"another repository": {func(task *Task) bool { task.URL += "2"; return true }, []string{
			"a failure, approval, the task is on another repository now (its own)", "a pending, approval, waits for approval of aaaaaaa",
		}},
		"another context": {func(task *Task) bool { task.ReportTo += "2"; return true }, []string{
			"a failure, approval, told as kitops/deploy2 from now on (its own)", "a pending, approval, waits for approval of aaaaaaa",
		}},
		"not approved any more": {func(task *Task) bool { task.Rules.Approve = false; return true }, []string{"a pending (its own)", "a success (its own)"}},
	} {
		for _, restart := range []bool{false, true} {
			synctest.Test(t, func(t *testing.T) {
				r, h := newRemote("main a"), &listener{}
				works(r, time.Second)
				task := reported(r, "deploy", "main")
				task.Rules.Approve = true
				b := newBench(t, task)
				b.Report = h.report
				stop := b.start(t)
				h.since()
				tasks := []Task{}
				if task.Digest = "changed"; test.change(&task) {
					tasks = []Task{task}
				}
				if restart {
					stop()
					b = b.again(t, tasks...)
					b.Report = h.report
					b.start(t)
				} else {
					b.Set(tasks)
				}
				elapse(time.Minute)
				want(t, fmt.Sprint(name, ", restarted: ", restart), h.since(), test.want)
			})
		}
	}
}

// TestWhatIsOrderedIsReportedAtOnce, and what was told before is told again when it will not run.
func TestWhatIsOrderedIsReportedAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a"), &listener{}
		works(r, time.Hour)
		task := reported(r, "deploy", "main")
		task.Timeout, task.Rules = 2*time.Hour, Rules{Approve: true, Windows: windows(t, "00:00-06:00 UTC")}
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		b.ordered(t, Order{What: Approve})
		elapse(2 * time.Hour)
		want(t, "finished", b.told(Finished), []string{"finished main a success"})
		elapse(6 * time.Hour)
		h.since()
		b.ordered(t, Order{What: Again})
		at, _, _ := strings.Cut(strings.Join(h.since(), "; "), " (its own)")
		want(t, "ordered", strings.TrimPrefix(at, "a pending, turn, to run again, by anna; "), "a pending, window, opens Sun 00:00 UTC")

		r.push("main", "b") // nobody has approved it
		elapse(time.Minute)
		want(t, "moved", h.since(), []string{"a success, Not run: superseded by bbbbbbb (its own)", "b pending, approval, waits for approval of bbbbbbb"})
		elapse(24 * time.Hour)
		want(t, "finished", len(b.told(Finished)), 1)
		want(t, "told", h.since(), []string{})
		b.ordered(t, Order{What: Approve, SHA: sha("b")})
		elapse(24 * time.Hour)
		want(t, "finished", b.told(Finished)[1:], []string{"finished main b success"})
	})
}

// TestANoteIsOfOneRun also while another one of its ref waits, and GitHub is out of order.
func TestANoteIsOfOneRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a", "side z"), &listener{}
		works(r, 10*time.Minute)
		task := reported(r, "deploy", "main", "side")
		task.ReportAs, task.Rules = "check", Rules{Parallel: 2, Approve: true}
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		b.ordered(t, Order{What: Approve, SHA: sha("a")})
		elapse(time.Minute)
		h.since()
		r.push("main", "b")
		b.NudgeTask("deploy")
		elapse(5 * time.Minute)
		h.set(true)
		elapse(10 * time.Minute)
		b.ordered(t, Order{What: Approve, SHA: sha("b")})
		elapse(5 * time.Minute)
		h.set(false)
		elapse(10 * time.Minute)
		want(t, "heard", h.since(), []string{
			"b pending, approval, waits for approval of bbbbbbb", "a success (its own)", "b pending (its own)", "b success (its own)",
		})
	})
}

// TestFewOfManyThatWaitAreReported, and a starting point stays one.
func TestFewOfManyThatWaitAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a"), &listener{}
		task := reported(r, "deploy", "**")
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		b.ordered(t, Order{What: Pause})
		for i := range maxQueued {
			r.push(fmt.Sprint("side", i), "b")
		}
		r.push("main", "b")
		elapse(time.Minute)
		want(t, "told", len(h.since()), maxQueued)
		for i := range maxQueued {
			r.remove(fmt.Sprint("side", i))
		}
		r.push("main", "a")
		elapse(time.Minute)
		want(t, "left", len(b.state(t, "deploy").Queue), 0)
		want(t, "remembered", len(b.state(t, "deploy").Remembered), 1)
	})
}

// TestTheRepositoryOfWhatWaitsIsKnown, by which GitHub tells of clicks.
func TestTheRepositoryOfWhatWaitsIsKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, h := newRemote("main a"), &listener{}
		task := reported(r, "deploy", "main")
		task.ReportAs, task.Rules.Approve = "check", true
		var up atomic.Bool
		task.Identity = func(context.Context, string) (string, error) {
			if !up.Load() {
				return "", errors.New("down")
			}
			return "7", nil
		}
		b := newBench(t, task)
		b.Report = h.report
		b.start(t)
		elapse(time.Minute)
		up.Store(true)
		elapse(2 * time.Minute)
		on, beside, err := b.ReportedOn(t.Context(), "7", sha("a"))
		if err != nil || len(on) != 1 || len(beside) > 0 {
			t.Fatal(on, beside, err)
		}
		h.since()
		for range 2 { // who is asked twice tells it once
			if err := b.ReportAnew(t.Context(), on[0], "no"); err != nil {
				t.Error(err)
			}
		}
		elapse(10 * time.Second)
		want(t, "anew", h.since()[0], "a pending, approval, waits for approval of aaaaaaa, no (its own)")
		want(t, "found", git.Revision{Ref: "refs/heads/main", SHA: sha("a")}, on[0].Run.Revision)
	})
}
