package poller

import (
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
)

func TestGraceIsTheActionsThenTheTasks(t *testing.T) {
	for _, c := range []struct{ action, task, leases, want time.Duration }{
		{0, 0, 0, actions.Grace},
		{0, time.Minute, 0, time.Minute},
		{time.Second, time.Minute, 0, time.Second},
		{time.Hour, 0, time.Minute, time.Minute}, // what the margin of the leases holds
	} {
		p := New()
		p.Grace = c.leases
		p.Set([]Task{{Grace: max(c.task, actions.Grace)}})
		w := &watch{p: p, task: Task{Rules: Rules{Grace: c.task}}}
		if got := w.graceOf(actions.Action{Grace: c.action}); got != c.want {
			t.Errorf("%+v: %s", c, got)
		}
		want(t, "the longest", p.LongestGrace(), max(c.task, actions.Grace))
	}
}
