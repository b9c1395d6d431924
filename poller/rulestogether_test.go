package poller

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store"
)

// TestRulesTogether: two members have a task each of one group, whose heads wait for approvals and windows. What somebody
// orders anyway waits for the group alone; what was approved waits for its window, and when that closes meanwhile for the next.
func TestRulesTogether(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // which begins on Saturday, 1 January 2000
		s, r, g := store.NewMemory(), newRemote("main a"), &gauge{}
		r.work = g.during(10 * time.Minute)
		deploy, migrate := r.task("deploy", "main"), r.task("migrate", "main")
		rules := Rules{Group: "prod-db", Approve: true, Windows: windows(t, "Mon-Fri 06:00-06:05 UTC")}
		deploy.Rules, migrate.Rules = rules, rules
		one, _ := sharing(t, s, "one", deploy)
		two, _ := sharing(t, s, "two", migrate)
		one.start(t)
		two.start(t)
		order := func(b *bench, task string, o Order) {
			t.Helper()
			o.By = "anna"
			if _, err := b.Order(t.Context(), task, o); err != nil {
				t.Fatal(err)
			}
		}
		applied := func(deployed, migrated string) {
			t.Helper()
			for task, want := range map[string]string{"deploy": deployed, "migrate": migrated} {
				if got := one.state(t, task).Refs["refs/heads/main"].Applied; got != want {
					t.Errorf("%s: %s is applied to %.1s, want %.1s", time.Now(), task, got, want)
				}
			}
		}
		approve := func(c string) {
			t.Helper()
			order(one, "deploy", Order{What: Approve, SHA: sha(c)})
			order(two, "migrate", Order{What: Approve, SHA: sha(c)})
			elapse(time.Minute)
		}
		elapse(time.Minute)
		want(t, "new", one.why(t), "waits for approval of aaaaaaa")
		approve("a")
		want(t, "approved", one.why(t), "opens Mon 06:00 UTC")
		want(t, "approved", two.why(t), "opens Mon 06:00 UTC")
		applied("", "")

		order(one, "deploy", Order{What: Again, Anyway: true})
		elapse(time.Second)
		order(two, "migrate", Order{What: Again, Anyway: true})
		elapse(10 * time.Second)
		want(t, "at once", g.going(), 1)
		want(t, "anyway", two.why(t), "waits for group prod-db, held by deploy on one")
		elapse(30 * time.Minute)
		applied(sha("a"), sha("a"))

		r.push("main", "b")
		elapse(2 * time.Minute)
		want(t, "new", two.why(t), "waits for approval of bbbbbbb")
		approve("b")
		elapse(time.Until(time.Date(2000, 1, 3, 5, 59, 0, 0, time.UTC)))
		applied(sha("a"), sha("a"))
		elapse(2 * time.Minute)
		want(t, "at once", g.going(), 1)
		elapse(time.Hour) // the other had to wait until its window was closed
		if a, b := one.state(t, "deploy").Refs["refs/heads/main"].Applied == sha("b"), one.state(t, "migrate").Refs["refs/heads/main"].Applied == sha("b"); a == b {
			t.Errorf("on Monday: deploy %t, migrate %t", a, b)
		}
		elapse(24 * time.Hour)
		applied(sha("b"), sha("b"))
		want(t, "at once", g.peak(), 1)
		want(t, "runs", len(one.told(Started))+len(two.told(Started)), 4)
	})
}
