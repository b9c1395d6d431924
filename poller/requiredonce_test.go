package poller

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// TestManyHeadsWaitUnderPollOnce, which remembers nothing of what it has asked: each has its turn, although more wait for
// ever than one poll asks about.
func TestManyHeadsWaitUnderPollOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r, c := newRemote(), &checks{said: map[string]Required{}}
		var refs []string
		for i := range 2*maxAsked + 1 {
			name := fmt.Sprintf("b%02d", i)
			refs = append(refs, name)
			r.heads["refs/heads/"+name] = fmt.Sprintf("%040d", i)
			c.said[fmt.Sprintf("%040d", i)] = Required{Failed: []string{"ci/test"}}
		}
		last := fmt.Sprintf("%040d", 2*maxAsked)
		delete(c.said, last)
		task := r.task("deploy", refs...)
		task.Required = c.Required
		b := newBench(t, task)
		for range 60 {
			p := New()
			p.Store, p.RepoDir, p.Environ, p.Parallel = b.Store, b.RepoDir, b.Environ, 1
			p.Set([]Task{task})
			if err := p.Once(t.Context(), true); err != nil {
				t.Fatal(err)
			}
			if b.state(t, "deploy").Refs["refs/heads/"+refs[2*maxAsked]].Applied == last {
				return
			}
			elapse(time.Minute)
		}
		t.Error("the last one has never had its turn")
	})
}
