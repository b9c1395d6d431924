package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// checks is what is said of commits, and how often somebody asks.
type checks struct {
	mu    sync.Mutex
	said  map[string]Required // by SHA; ready where nothing is there
	err   error
	asked []string
}

func (c *checks) say(of string, r Required) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.said == nil {
		c.said = map[string]Required{}
	}
	c.said[sha(of)] = r
}

func (c *checks) Required(_ context.Context, rev git.Revision) (Required, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked = append(c.asked, rev.SHA[:1])
	return c.said[rev.SHA], c.err
}

func (c *checks) questions() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	all := strings.Join(c.asked, "")
	c.asked = nil
	return all
}

func TestHeadsWaitForWhatIsRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRemote("main a"), &checks{}
		works(r, time.Minute)
		task := r.task("deploy", "main")
		task.Required = c.Required
		b := newBench(t, task)
		c.say("a", Required{Waits: []string{"ci/test", "build*"}})
		b.start(t)
		want(t, "why", b.why(t), "waits for ci/test, build*")
		c.say("a", Required{Waits: []string{"ci/test"}, Failed: []string{"build-arm"}})
		elapse(31 * time.Second)
		want(t, "why", b.why(t), "waits for ci/test; build-arm failed")
		want(t, "asked at most every 30 s", c.questions(), "aa")
		c.say("a", Required{})
		b.NudgeRequired(Nudge{URL: url, SHA: sha("b"), Verified: true}) // of another commit
		elapse(10 * time.Second)
		want(t, "asked", c.questions(), "")
		b.NudgeRequired(Nudge{URL: url, SHA: sha("a"), Verified: true})
		elapse(time.Second)
		want(t, "started by the event", b.told(Started), []string{"started main a"})
		want(t, "told", b.texts(Skipped), "waits for ci/test, build*\nwaits for ci/test; build-arm failed")
		elapse(time.Hour)
		c.questions()

		// What was applied is not asked about any more, and a head that waits neither hides a newer one nor runs after it.
		c.say("b", Required{Failed: []string{"ci/test"}})
		r.push("main", "b")
		elapse(3 * time.Minute)
		want(t, "why", b.why(t), "ci/test failed")
		r.push("main", "c")
		elapse(10 * time.Minute)
		want(t, "started", b.told(Started), []string{"started main a", "started main c"})
		want(t, "asked in the end", strings.TrimLeft(c.questions(), "b"), "c")
	})
}

// TestWhatIsRequiredIsNotKnown: then nothing runs, and that is said; somebody may order a run all the same.
func TestWhatIsRequiredIsNotKnown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRemote("main a"), &checks{}
		task := r.task("deploy", "main")
		task.Required = c.Required
		b := newBench(t, task)
		b.start(t)
		elapse(time.Minute)
		want(t, "started", b.told(Started), []string{"started main a"})
		c.err = &LaterError{At: time.Now().Add(20 * time.Minute), Err: errors.New("the limit")}
		r.push("main", "b")
		elapse(2 * time.Minute)
		c.questions()
		elapse(15 * time.Minute)
		want(t, "why", b.why(t), "waits until it is known how what it requires stands: the limit")
		want(t, "asked before the limit ends", c.questions(), "")
		c.mu.Lock()
		c.err = errors.New("no answer")
		c.mu.Unlock()
		elapse(10 * time.Minute)
		want(t, "why", b.why(t), "waits until it is known how what it requires stands: no answer")
		want(t, "started", len(b.told(Started)), 1)
		b.ordered(t, Order{What: Again})
		elapse(2 * time.Minute)
		want(t, "started", len(b.told(Started)), 1)
		b.ordered(t, Order{What: Again, Anyway: true})
		elapse(2 * time.Minute)
		want(t, "started", b.told(Started), []string{"started main a", "started main b"})
	})
}

// TestRequiredComesAfterApproval, and is asked of nothing that could not run anyway.
func TestRequiredComesAfterApproval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRemote("main a"), &checks{}
		task := r.task("deploy", "main")
		task.Required, task.Rules.Approve, task.Rules.Windows = c.Required, true, windows(t, "10:00-12:00 UTC")
		c.say("a", Required{Waits: []string{"ci/test"}})
		b := newBench(t, task)
		b.start(t) // it is midnight
		elapse(time.Minute)
		want(t, "why", b.why(t), "waits for approval of aaaaaaa")
		b.ordered(t, Order{What: Approve, SHA: sha("a")})
		elapse(2 * time.Minute)
		want(t, "why", b.why(t), "opens Sat 10:00 UTC")
		want(t, "asked", c.questions(), "")
		elapse(10 * time.Hour)
		want(t, "why", b.why(t), "waits for ci/test")
		c.say("a", Required{})
		elapse(2 * time.Minute)
		want(t, "started", b.told(Started), []string{"started main a"})
	})
}

// TestManyHeadsWaitForWhatIsRequired: they take turns, and one that waits for long is asked about more seldom. Those that may
// run do, beside each other.
func TestManyHeadsWaitForWhatIsRequired(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c, g := newRemote(), &checks{}, &gauge{}
		r.work = g.during(time.Minute)
		var refs []string
		for i := range 60 {
			name := fmt.Sprintf("b%02d", i)
			refs = append(refs, name)
			r.heads["refs/heads/"+name] = fmt.Sprintf("%040d", i)
		}
		task := r.task("deploy", refs...)
		task.Required, task.Rules.Parallel = c.Required, 3
		c.said = map[string]Required{}
		for i := range 60 {
			if i%6 != 0 {
				c.said[fmt.Sprintf("%040d", i)] = Required{Waits: []string{"ci/test"}}
			}
		}
		b := newBench(t, task)
		b.start(t)
		elapse(30 * time.Minute)
		want(t, "finished", len(b.told(Finished)), 10)
		if g.peak() != 3 {
			t.Errorf("%d at once", g.peak())
		}
		first := len(c.questions())
		elapse(10 * time.Hour)
		c.questions()
		elapse(30 * time.Minute)
		later := len(c.questions())
		if first > 60*30 || later < 50*5 || later > 50*7 {
			t.Errorf("%d questions in the first half hour, %d in one much later", first, later)
		}
		names := b.told(Started)
		if slices.Sort(names); len(slices.Compact(names)) != 10 {
			t.Error(names)
		}
	})
}

// TestWhatWasAppliedNeedsNothingMore: a way back must not wait for GitHub.
func TestWhatWasAppliedNeedsNothingMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRemote("main a"), &checks{}
		works(r, time.Second)
		task := r.task("deploy", "main")
		task.Required = c.Required
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		r.push("main", "b")
		elapse(2 * time.Minute)
		c.mu.Lock()
		c.err = errors.New("no answer")
		c.mu.Unlock()
		b.ordered(t, Order{What: Rollback})
		elapse(2 * time.Minute)
		b.ordered(t, Order{What: Pin, SHA: sha("b")})
		elapse(2 * time.Minute)
		want(t, "started", b.told(Started), []string{"started main a", "started main b", "started main a", "started main b"})
		b.ordered(t, Order{What: Pin, SHA: sha("c")}) // which never ran
		elapse(2 * time.Minute)
		want(t, "started", len(b.told(Started)), 4)
	})
}
