package poller

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// targets are what targets hear.
type targets struct {
	mu    sync.Mutex
	down  string // that does not answer
	heard map[string][]string
}

func (w *targets) report(_ context.Context, r Report) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if r.To == w.down {
		return errors.New("no answer")
	}
	words := []string{string(r.Change), r.Run.Revision.Name(), r.Run.Revision.SHA[:1]}
	if r.Broken != "" {
		words = append(words, "since "+r.Broken[:1])
	}
	w.heard[r.To] = append(w.heard[r.To], strings.Join(words, " "))
	return nil
}

var usual = []Change{Failed, Erred, Recovered}

// TestNotices: each change of how a ref stands is told once, also when an agent follows another one.
func TestNotices(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a", "side a"), &targets{heard: map[string][]string{}}
		broken := true
		r.work = func(_ context.Context, rev git.Revision) error {
			time.Sleep(time.Second) // or the start is old news before it is told
			if broken && rev.Name() == "main" {
				return errors.New("it broke")
			}
			return nil
		}
		task := r.task("deploy", "main", "side")
		task.Notices = []Notice{
			{To: NoticeTo("usual"), On: usual},
			{To: NoticeTo("patient"), On: usual, After: 3},
			{To: NoticeTo("all"), On: []Change{Begun, Succeeded, Failed, Erred}},
			{To: NoticeTo("never"), On: []Change{Failed}, After: 100},
		}
		b := newBench(t, task)
		b.Report = w.report
		b.start(t)
		elapse(10 * time.Minute) // several tries
		want(t, "usual while broken", w.heard[NoticeTo("usual")], []string{"error main a since a"})
		r.push("main", "b")
		elapse(10 * time.Minute)
		broken = false
		r.push("main", "c")
		elapse(10 * time.Minute)
		r.push("main", "d")
		elapse(10 * time.Minute)
		want(t, "usual", w.heard[NoticeTo("usual")], []string{"error main a since a", "recovery main c since a"})
		want(t, "patient", w.heard[NoticeTo("patient")], []string{"error main a since a", "recovery main c since a"})
		want(t, "all", w.heard[NoticeTo("all")], []string{
			"start main a", "error main a since a", "start side a", "success side a",
			"start main b", "start main c", "success main c", "start main d", "success main d",
		})
		want(t, "never", len(w.heard[NoticeTo("never")]), 0)
		want(t, "left in the state", b.state(t, "deploy").Refs["refs/heads/main"].Failing == nil, true)
	})
}

// TestWhatDoesNotRunNotifiesNobody: neither a head that concerns the task not, nor one that is applied without a run, which is
// no recovery either; what runs is told once.
func TestWhatDoesNotRunNotifiesNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a"), &targets{heard: map[string][]string{}}
		task := failsAt(r, "d", "main")
		task.Paths, task.Brings, task.Rules.SkipCI, task.Rules.Retry = git.PathPatterns{"api/**"}, true, true, &Retry{}
		concern := map[string]bool{sha("d"): true, sha("f"): true}
		task.Changes = func(_ context.Context, rev git.Revision, _ string) (git.Changed, error) {
			if concern[rev.SHA] {
				return git.Changed{{Name: "api/x"}}, nil
			}
			return git.Changed{{Name: "docs/x"}}, nil
		}
		task.Text = func(_ context.Context, rev git.Revision) (git.Text, error) {
			return git.Text{Message: map[string]string{sha("c"): "[skip ci]", sha("e"): "[skip ci]"}[rev.SHA]}, nil
		}
		all := NoticeTo("all")
		task.Notices = []Notice{{To: all, On: []Change{Begun, Succeeded, Failed, Erred, Recovered, GaveUp}}}
		b := newBench(t, task)
		b.Report = w.report
		b.start(t)
		for _, head := range []string{"b", "c", "d", "e", "f"} {
			elapse(2 * time.Minute)
			r.push("main", head)
		}
		elapse(2 * time.Minute)
		heard := slices.DeleteFunc(w.heard[all], func(text string) bool { // which may be old news by the time
			return slices.Contains([]string{"start main a", "start main d", "start main f"}, text)
		})
		want(t, "heard", strings.Join(heard, ", "), "success main a, gave_up main d since d, recovery main f since d")
	})
}

// TestNoticesOfABranchThatIsGone: who was told that it fails hears that it is no longer watched. A target that is down,
// and GitHub, hold up no other.
func TestNoticesOfABranchThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a", "side b"), &targets{heard: map[string][]string{}, down: "kitops/deploy"}
		r.work = func(_ context.Context, rev git.Revision) error { return errors.New("it broke") }
		task := reported(r, "deploy", "*")
		task.RunNew = true
		task.Notices = []Notice{{To: NoticeTo("a"), On: usual}, {To: NoticeTo("b"), On: usual}, {To: NoticeTo("c"), On: []Change{Failed}}}
		b := newBench(t, task)
		b.Report = w.report
		stop := b.start(t)
		elapse(5 * time.Minute)
		stop()
		w.down = NoticeTo("a")
		b = b.again(t, task)
		b.Report = w.report
		b.start(t)
		elapse(5 * time.Minute)
		r.remove("side")
		elapse(5 * time.Minute)
		want(t, "told of side", w.heard[NoticeTo("b")][len(w.heard[NoticeTo("b")])-1], "gone side b since b")
		want(t, "b", len(w.heard[NoticeTo("b")]), 3)
		want(t, "GitHub", len(w.heard["kitops/deploy"]) > 0, true)
		want(t, "c", len(w.heard[NoticeTo("c")]), 0)
		want(t, "left for a", len(b.state(t, "deploy").Unreported), 1)
	})
}

// TestGoneAfterTheLastWordOnARun: what becomes of a ref without another run is no repetition of what was told of the last one.
func TestGoneAfterTheLastWordOnARun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a", "side b"), &targets{heard: map[string][]string{}}
		r.work = func(_ context.Context, rev git.Revision) error {
			if rev.Name() == "side" {
				return &MistakeError{errors.New("it is broken")} // which is not tried again
			}
			return nil
		}
		task := r.task("deploy", "*")
		task.RunNew = true
		task.Notices = []Notice{{To: NoticeTo("a"), On: usual}}
		b := newBench(t, task)
		b.Report = w.report
		b.start(t)
		elapse(5 * time.Minute)
		r.remove("side")
		elapse(5 * time.Minute)
		want(t, "told", w.heard[NoticeTo("a")], []string{"error side b since b", "gone side b since b"})
	})
}

// TestCaughtUpAfterSuccess: both are told, also when one comes up while the other is on its way.
func TestCaughtUpAfterSuccess(t *testing.T) {
	run := Run{ID: "1", Outcome: Success, Revision: git.Revision{Ref: "refs/heads/main", SHA: sha("a")}}
	told := Report{Run: run, To: NoticeTo("a"), Change: Succeeded}
	s := State{}.reporting(told).reporting(Report{Run: run, To: NoticeTo("a"), Change: CaughtUp})
	want(t, "waiting", len(s.Unreported), 2)
	want(t, "left", len(s.reported(told).Unreported), 1)
}

// TestGoneIsToldOnce: of a ref that was failing and behind, and runs once more when it goes.
func TestGoneIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, w := newRemote("main a", "side b"), &targets{heard: map[string][]string{}}
		tries := 0
		r.work = func(_ context.Context, rev git.Revision) error {
			if rev.Name() == "side" {
				if tries++; tries > 1 {
					time.Sleep(10 * time.Minute)
				}
				return errors.New("it broke")
			}
			return nil
		}
		task := r.task("deploy", "*")
		task.RunNew, task.Rules.Parallel = true, 2
		task.Notices = []Notice{{To: NoticeTo("a"), On: append([]Change{Late}, usual...), Behind: time.Minute}}
		b := newBench(t, task)
		b.Report = w.report
		b.start(t)
		elapse(5 * time.Minute)
		r.remove("side")
		elapse(time.Hour)
		want(t, "told", w.heard[NoticeTo("a")], []string{"error side b since b", "behind side b since b", "gone side b since b"})
		want(t, "left", len(b.state(t, "deploy").Behind), 0)
	})
}

// TestATaskThatIsGone from the configuration, or has another name there: whoever was told that it fails hears once that it is no
// longer watched, at a reload as at a start; who hears of no recovery does not.
func TestATaskThatIsGone(t *testing.T) {
	for _, reload := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			r, w := newRemote("main a", "side b"), &targets{heard: map[string][]string{}}
			r.work = func(_ context.Context, rev git.Revision) error {
				if rev.Name() == "main" {
					return errors.New("it broke")
				}
				return nil
			}
			old := r.task("deploy", "*")
			old.RunNew = true
			old.Notices = []Notice{{To: NoticeTo("usual"), On: usual}, {To: NoticeTo("late"), On: []Change{Late, Recovered}, Behind: time.Minute}, {To: NoticeTo("failed"), On: []Change{Erred}}}
			renamed := old
			renamed.Name, renamed.Digest = "release", "release"
			b := newBench(t, old)
			b.Report = w.report
			stop := b.start(t)
			elapse(10 * time.Minute)
			for range 2 { // and once more, of the same memory
				if reload {
					b.Set([]Task{renamed})
				} else {
					stop()
					b = b.again(t, renamed)
					b.Report = w.report
					stop = b.start(t)
				}
				elapse(10 * time.Minute)
			}
			stop()
			for name, heard := range map[string]string{ // failing and behind once more by the new name
				"usual":  "error main a since a, error main a since a, gone main a since a",
				"late":   "behind main a since a, behind main a since a, gone main a since a",
				"failed": "error main a since a, error main a since a",
			} {
				want(t, name, strings.Join(sorted(w.heard[NoticeTo(name)]), ", "), heard)
			}
			left := b.state(t, "deploy")
			want(t, "left in the state", len(left.alarming())+len(left.Unreported), 0)
		})
	}
}
