package poller

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// hourly is a poller on one repository that only nudges make look soon.
func hourly(t *testing.T, r *remote, change func(*Task)) *bench {
	t.Helper()
	task := r.task("deploy", "main", "release/*")
	task.Interval = time.Hour
	if change != nil {
		change(&task)
	}
	b := newBench(t, task)
	b.start(t)
	return b
}

func TestLooksByNudgesAreLimited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		before, _ := r.seen()
		for range 100 {
			b.Nudge(Nudge{URL: url})
			synctest.Wait()
		}
		burst, _ := r.seen()
		want(t, "looks at once", burst-before, nudgeBurst)
		elapse(nudgeInterval)
		next, _ := r.seen()
		want(t, "looks when the limit allows one more", next-burst, 1)
		elapse(time.Minute)
		rested, _ := r.seen()
		want(t, "looks without nudges", rested-next, 1) // the second one of the last nudge
		for range 60 * 10 {
			b.Nudge(Nudge{URL: url})
			elapse(100 * time.Millisecond)
		}
		flooded, _ := r.seen()
		if n := flooded - rested; n < 30 || n > 30+nudgeBurst+1 {
			t.Errorf("%d looks in a minute of nudges", n)
		}
	})
}

// A relayed webhook whose signature cannot be checked comes before the host shows its push.
func TestUnverifiedNudgeIsLookedForTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		b.Nudge(Nudge{URL: url})
		synctest.Wait()
		r.push("main", "b")
		elapse(5 * time.Second)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
		before, _ := r.seen()
		elapse(10 * time.Minute)
		after, _ := r.seen()
		want(t, "looks when it has shown", after-before, 0)
	})
}

// What the host itself says of pushes every 0.9 s is looked at at once, and a flood of it five times a second.
func TestVerifiedNudgesHardlyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		for range 60 {
			before, _ := r.seen()
			b.Nudge(Nudge{URL: url, Verified: true})
			synctest.Wait()
			after, _ := r.seen()
			want(t, "looks at once", after-before, 1)
			elapse(900 * time.Millisecond)
		}
		before, _ := r.seen()
		for range 60 * 100 {
			b.Nudge(Nudge{URL: url, Verified: true})
			elapse(10 * time.Millisecond)
		}
		after, _ := r.seen()
		if n := after - before; n < 5*60 || n > 5*60+nudgeBurst+1 {
			t.Errorf("%d looks in a minute of nudges", n)
		}
	})
}

// A stranger's nudges do not hold up a verified one.
func TestVerifiedNudgesPassOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		for range nudgeBurst + 5 {
			b.Nudge(Nudge{URL: url})
			synctest.Wait()
		}
		before, _ := r.seen()
		b.Nudge(Nudge{URL: url, Verified: true})
		synctest.Wait()
		after, _ := r.seen()
		want(t, "looks at once", after-before, 1)
		b.NudgeAll()
		synctest.Wait()
		all, _ := r.seen()
		want(t, "looks of all", all-after, 1)
	})
}

func TestReplayedNudgeCausesOneLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		old := Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("b")}
		r.push("main", "b")
		b.Nudge(old)
		elapse(time.Second)
		r.push("main", "c")
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("c")})
		elapse(time.Minute)
		before, _ := r.seen()
		b.Nudge(old)
		elapse(time.Minute)
		after, _ := r.seen()
		want(t, "looks", after-before, 1)
	})
}

func TestEveryPromisedRefIsChased(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a", "release/1 a")
		b := hourly(t, r, nil)
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/release/1", SHA: sha("b")})
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("e")})
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("c")})
		elapse(2 * time.Second)
		r.push("release/1", "b")
		elapse(2 * time.Second)
		r.push("main", "c")
		elapse(10 * time.Second)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "release/1 b", "main c"})
		before, _ := r.seen()
		elapse(10 * time.Minute)
		after, _ := r.seen()
		want(t, "looks when all have shown", after-before, 0)
	})
}

func TestPromisedRevisionIsChasedThroughAFailedLook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		r.push("main", "b")
		r.fail(errors.New("502"))
		b.Nudge(Nudge{URL: url, Ref: "refs/heads/main", SHA: sha("b")})
		synctest.Wait()
		r.fail(nil)
		elapse(2 * time.Second)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
	})
}

func TestNudgeAfterRenameFindsTheTaskByIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, func(task *Task) {
			task.Identity = func(context.Context, string) (string, error) { return "42", nil }
		})
		before, _ := r.seen()
		looks := 0
		for _, c := range []struct {
			nudge   Nudge
			reaches bool
		}{
			{Nudge{URL: "https://git.example.com/acme/renamed", Identity: "42"}, true},
			{Nudge{Identity: "42"}, true},
			{Nudge{URL: "https://git.example.com/acme"}, true},
			{Nudge{URL: "https://git.example.com/ACME/"}, true},
			{Nudge{URL: "https://other.example.com/acme/renamed", Identity: "42"}, false},
			{Nudge{URL: "https://git.example.com/acme/renamed", Identity: "43"}, false},
			{Nudge{URL: "https://git.example.com/acm"}, false},
			{Nudge{URL: "https://git.example.com"}, false},
			{Nudge{Identity: "43"}, false},
			{Nudge{}, false},
		} {
			want(t, "watches "+c.nudge.URL+" "+c.nudge.Identity, b.Watches(c.nudge.URL, c.nudge.Identity), c.reaches)
			b.Nudge(c.nudge)
			synctest.Wait()
			if c.reaches {
				looks++
			}
		}
		after, _ := r.seen()
		want(t, "looks", after-before, looks)
	})
}

func TestWatchesWhatMayBeMeant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := hourly(t, newRemote("main a"), nil) // its identity is never known
		want(t, "by an identity alone", b.Watches("", "42"), true)
		want(t, "by another name", b.Watches("https://git.example.com/acme/other", "42"), false)
	})
}

func TestHeldNudgeDoesNotDelayTheConfiguration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := hourly(t, r, nil)
		for range nudgeBurst + 3 {
			b.Nudge(Nudge{URL: url})
			synctest.Wait()
		}
		other := newRemote("main b")
		task := other.task("deploy", "main")
		task.Digest = "changed"
		b.Set([]Task{task})
		synctest.Wait()
		looks, _ := other.seen()
		if looks == 0 {
			t.Error("the changed task waits for the limit of nudges")
		}
	})
}

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		good, bad, hung := newRemote("main a"), newRemote(), newRemote("main a")
		bad.fail(errors.New("connection refused"))
		b := newBench(t, good.task("good", "main"), bad.task("bad", "main"), hung.task("slow", "main"))
		for _, h := range b.Health() {
			want(t, "before the start: "+h.Name, h.Looked || h.Late, false)
		}
		release := make(chan struct{})
		hung.work = func(ctx context.Context, _ git.Revision) error {
			select {
			case <-release:
			case <-ctx.Done():
			}
			return nil
		}
		b.start(t)
		elapse(30 * time.Minute)
		for _, h := range b.Health() {
			want(t, h.Name+" looked", h.Looked, true)
			want(t, h.Name+" late", h.Late, false)
			want(t, h.Name+" failing", h.Failures > 0 && h.Err != nil, h.Name == "bad")
			want(t, h.Name+" planned", h.NextLook.After(h.LastLook), true)
		}
		close(release)
	})
}

func TestStuckLookIsLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		task := r.task("deploy", "main")
		release := make(chan struct{})
		task.Heads = func(context.Context, git.Patterns) ([]git.Revision, error) { // deaf to its context
			<-release
			return nil, git.ErrEmpty
		}
		b := newBench(t, task)
		b.start(t)
		elapse(2 * time.Minute)
		want(t, "late within the grace", b.Health()[0].Late, false)
		elapse(2 * time.Minute)
		h := b.Health()[0]
		want(t, "late", h.Late, true)
		want(t, "looked", h.Looked, false)
		close(release)
		elapse(time.Second)
		h = b.Health()[0]
		want(t, "late after it came back", h.Late, false)
		want(t, "looked after it came back", h.Looked, true)
	})
}
