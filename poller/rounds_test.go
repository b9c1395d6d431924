package poller

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// looper is a remote whose task pushes the next head whenever it runs, by a token that is not the App's.
type looper struct {
	*remote
	mu    sync.Mutex
	texts map[string]git.Text
	next  int
	quiet bool // the task pushes nothing
}

func newLooper() *looper {
	l := &looper{remote: newRemote(), texts: map[string]git.Text{}}
	l.commit("anna", "main")
	l.work = func(_ context.Context, rev git.Revision) error {
		time.Sleep(2 * time.Second)
		l.mu.Lock()
		quiet := l.quiet
		l.mu.Unlock()
		if !quiet {
			l.commit("bot", rev.Name())
		}
		return nil
	}
	return l
}

// commit is made and pushed now. It returns its SHA.
func (l *looper) commit(by, branch string) string {
	l.mu.Lock()
	l.next++
	sha := fmt.Sprintf("%040d", l.next)
	p := git.Person{Name: by, Email: by + "@example.com", When: time.Now().Truncate(time.Second)}
	l.texts[sha] = git.Text{Author: p, Committer: p}
	l.mu.Unlock()
	l.remote.mu.Lock()
	defer l.remote.mu.Unlock()
	l.heads["refs/heads/"+branch] = sha
	return sha
}

func (l *looper) hush(quiet bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.quiet = quiet
}

func (l *looper) task(branches ...string) Task {
	task := l.remote.task("deploy", branches...)
	task.Text = func(_ context.Context, rev git.Revision) (git.Text, error) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.texts[rev.SHA], nil
	}
	return task
}

// TestTaskThatPushesItsOwnHeads slows down after five of them in a row, which is said once; what somebody else pushes runs at
// once and ends that, and so does what is made while nothing runs.
func TestTaskThatPushesItsOwnHeads(t *testing.T) {
	const said = "5 heads in a row or more were made by bot <bot@example.com> while the task ran"
	for _, parallel := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			l := newLooper()
			task := l.task("main")
			task.Rules.Parallel, task.ReportTo = parallel, "kitops/deploy"
			b := newBench(t, task)
			b.start(t)
			runs := func() int { return len(b.told(Started)) }
			elapse(5*time.Minute + 50*time.Second) // the first is anna's
			want(t, "slow", b.state(t, "deploy").Rounds.many(), true)
			first := runs()
			if first < 6 || first > 9 {
				t.Errorf("%d runs at first", first)
			}
			want(t, "noticed", strings.Count(b.texts(Noticed), said), 1)
			elapse(2 * time.Hour)
			if n := runs() - first; n < 8 || n > 17 { // after 1, 2, 4, 8 minutes, and every ten
				t.Errorf("%d runs in two hours", n)
			}
			want(t, "noticed", strings.Count(b.texts(Noticed), said), 1)
			want(t, "told", strings.Count(b.texts(Skipped), said), 1)
			for n := runs(); runs() == n; {
				elapse(time.Second)
			}
			elapse(75 * time.Second)
			want(t, "why", strings.Contains(b.why(t), said), true)

			before := runs()
			b.ordered(t, Order{What: Again})
			elapse(10 * time.Second)
			want(t, "ordered", runs()-before, 1)

			l.hush(true)
			theirs := l.commit("anna", "main")
			elapse(75 * time.Second)
			want(t, "theirs", b.state(t, "deploy").Refs["refs/heads/main"].Applied, theirs)
			want(t, "after theirs", b.state(t, "deploy").Rounds.many(), false)
		})
	}
}

// TestHeadsOfABusyPerson: a restart forgets nothing of five heads that somebody has made during runs; one made while nothing
// ran runs at once and ends it, as does the next head where those are of two people in turn.
func TestHeadsOfABusyPerson(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLooper()
		b := newBench(t, l.task("main"))
		stop := b.start(t)
		elapse(5*time.Minute + 50*time.Second)
		want(t, "slow", b.state(t, "deploy").Rounds.many(), true)
		l.hush(true)
		stop()
		b = b.again(t, l.task("main"))
		b.start(t)
		elapse(5 * time.Minute) // what was pushed last has run
		idle := l.commit("bot", "main")
		elapse(75 * time.Second)
		want(t, "applied", b.state(t, "deploy").Refs["refs/heads/main"].Applied, idle)
		want(t, "rounds", b.state(t, "deploy").Rounds, (*rounds)(nil))
	})
	synctest.Test(t, func(t *testing.T) {
		l, turn := newLooper(), 0
		l.work = func(context.Context, git.Revision) error {
			time.Sleep(2 * time.Second)
			turn++
			l.commit([]string{"bot", "anna"}[turn%2], "main")
			return nil
		}
		b := newBench(t, l.task("main"))
		b.start(t)
		elapse(20*time.Minute + 30*time.Second)
		want(t, "runs", len(b.told(Started)) >= 18, true)
		want(t, "noticed", b.texts(Noticed), "")
	})
}
