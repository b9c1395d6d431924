package poller

import (
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

func TestUntold(t *testing.T) {
	lock, disk := errors.New("lock"), errors.New("disk")
	run := told(errors.New("run"))
	for name, c := range map[string]struct{ err, left error }{
		"nothing":          {nil, nil},
		"told":             {run, nil},
		"nothing was told": {lock, lock},
		"joined":           {errors.Join(errors.Join(run, lock), run, disk), errors.New("lock\ndisk")},
		"wrapped":          {fmt.Errorf("%w", run), errors.New("run")},
		"all of a join":    {errors.Join(run, errors.Join(run)), nil},
	} {
		want(t, name, fmt.Sprint(Untold(c.err)), fmt.Sprint(c.left))
	}
	want(t, "no mark", told(nil), error(nil))
}

// TestPollPutOffIsUntold holds that what the log does not show at its usual
// level is left to whoever called Once.
func TestPollPutOffIsUntold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		r.fail(&LaterError{At: time.Now().Add(time.Hour), Err: errors.New("rate limit")})
		b := newBench(t, r.task("deploy", "main"))
		want(t, "error", Untold(b.Once(t.Context(), true)), "deploy: rate limit")
	})
}
