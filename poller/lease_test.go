package poller

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/lease"
)

// cable is one instance's way to the store.
type cable struct {
	store.Store
	mu  sync.Mutex
	cut bool
}

var errCut = errors.New("no route to host")

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
}

func (c *cable) failing() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return errCut
	}
	return nil
}

func (c *cable) Get(ctx context.Context, key string) (store.Document, error) {
	if err := c.failing(); err != nil {
		return store.Document{}, err
	}
	return c.Store.Get(ctx, key)
}

func (c *cable) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if err := c.failing(); err != nil {
		return "", err
	}
	return c.Store.Put(ctx, key, data, version)
}

// sharing makes a bench one of several instances on a store.
func sharing(t *testing.T, s store.Store, name string, tasks ...Task) (*bench, *cable) {
	t.Helper()
	b := newBench(t, tasks...)
	wire := &cable{Store: s}
	b.Store = wire
	terms, err := lease.NewTerms(lease.TTL, 8*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	b.Join(&lease.Instance{
		Owner: lease.Owner{Name: name, ID: lease.NewID(), Host: "host-" + name, PID: 7},
		Terms: terms, Clock: func() time.Duration { return time.Since(begin) },
	})
	return b, wire
}

// works has each run last for a while, unless it is stopped.
func works(r *remote, d time.Duration) {
	r.work = func(ctx context.Context, _ git.Revision) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func TestInstancesShareTheWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := store.NewMemory(), newRemote("main a")
		works(r, 90*time.Second)
		task := r.task("deploy", "main")
		task.ReportTo = "kitops/deploy"
		var mu sync.Mutex
		var reports []string
		for _, name := range []string{"one", "two", "three"} {
			b, _ := sharing(t, s, name, task)
			b.Report = func(_ context.Context, report Report) error {
				mu.Lock()
				defer mu.Unlock()
				reports = append(reports, report.Run.Revision.Name()+" "+report.Run.Revision.SHA[:1]+" "+string(report.Run.Outcome))
				return nil
			}
			b.start(t)
		}
		elapse(5 * time.Minute)
		r.push("main", "b")
		elapse(5 * time.Minute)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a", "main b"})
		want(t, "reports", reports, []string{"main a pending", "main a success", "main b pending", "main b success"})
	})
}

// TestAnInstanceThatIsCutOff loses its run to another one within two ttl, after it
// has ended it itself, and says nothing of it.
func TestAnInstanceThatIsCutOff(t *testing.T) {
	for name, finish := range map[string]bool{"stop": false, "finish": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := store.NewMemory()
				mine, others := newRemote("main a"), newRemote("main a")
				works(mine, 10*time.Minute)
				ended := time.Time{}
				work := mine.work
				mine.work = func(ctx context.Context, rev git.Revision) error {
					defer func() { ended = time.Now() }()
					return work(ctx, rev)
				}
				task := mine.task("deploy", "main")
				task.FinishUnleased = finish
				a, wire := sharing(t, s, "a", task)
				a.start(t)
				elapse(20 * time.Second)
				b, _ := sharing(t, s, "b", others.task("deploy", "main"))
				var began time.Time
				others.work = func(context.Context, git.Revision) error { began = time.Now(); return nil }
				b.start(t)
				elapse(20 * time.Second)
				if told := b.reasons(); !strings.Contains(told, "runs on a (pid 7 on host-a) since 2000-01-01 00:00:00 UTC") {
					t.Errorf("b says %q", told)
				}
				wire.set(true)
				cut := time.Now()
				elapse(2 * lease.TTL)
				if began.IsZero() || began.Sub(cut) > 2*lease.TTL {
					t.Errorf("taken over after %s", began.Sub(cut))
				}
				if !finish && (ended.IsZero() || !ended.Before(began)) {
					t.Errorf("the run ended at %s, the other began at %s", ended, began)
				}
				wire.set(false)
				elapse(10 * time.Minute)
				want(t, "finished on a", a.told(Finished), []string(nil))
				want(t, "finished on b", b.told(Interrupted, Finished), []string{"interrupted main a", "finished main a success"})
				if told := strings.Join(a.told(Troubled), "\n"); !strings.Contains(told, "the lease was lost to b (pid 7 on host-b)") {
					t.Errorf("a says %q", told)
				}
				if finish && ended.Before(began) {
					t.Error("a lost lease ended a run that was to finish")
				}
			})
		})
	}
}

// reasons are those of what was not run.
func (b *bench) reasons() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, e := range b.events {
		if e.Kind == Skipped {
			all = append(all, e.Reason)
		}
	}
	return strings.Join(all, "\n")
}

func TestAnOutageOfTheStoreCostsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		works(r, 3*time.Minute)
		b, wire := sharing(t, store.NewMemory(), "a", r.task("deploy", "main"))
		b.start(t)
		for range 5 {
			elapse(20 * time.Second)
			wire.set(true)
			elapse(lease.TTL / 3)
			wire.set(false)
		}
		elapse(time.Minute)
		want(t, "finished", b.told(Finished), []string{"finished main a success"})
	})
}

// TestTheNewestIsNotRolledBack has an instance that listed its heads before another
// one applied a newer one.
func TestTheNewestIsNotRolledBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		mine, others := newRemote("main a"), newRemote("main b")
		late := mine.task("deploy", "main")
		heads := late.Heads
		first := true
		late.Heads = func(ctx context.Context, refs git.Patterns) ([]git.Revision, error) {
			found, err := heads(ctx, refs)
			if first {
				first = false
				time.Sleep(10 * time.Second) // the answer is on its way
				mine.push("main", "b")
			}
			return found, err
		}
		a, _ := sharing(t, s, "a", late)
		a.start(t)
		b, _ := sharing(t, s, "b", others.task("deploy", "main"))
		b.start(t)
		elapse(5 * time.Minute)
		_, runs := mine.seen()
		_, theirs := others.seen()
		want(t, "runs", append(runs, theirs...), []string{"main b"})
	})
}

// TestWhatADeadInstanceOwedIsDelivered by who comes after it.
func TestWhatADeadInstanceOwedIsDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := store.NewMemory(), newRemote("main a")
		task := r.task("deploy", "main")
		task.ReportTo = "kitops/deploy"
		a, wire := sharing(t, s, "a", task)
		a.Report = func(context.Context, Report) error { return errors.New("no network") }
		a.start(t)
		elapse(10 * time.Second)
		wire.set(true)
		b, _ := sharing(t, s, "b", task)
		var reports []string
		b.Report = func(_ context.Context, report Report) error {
			reports = append(reports, string(report.Run.Outcome))
			return nil
		}
		b.start(t)
		elapse(3 * time.Minute)
		want(t, "reports", reports, []string{"success"})
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})
	})
}

func TestALyingStoreEndsTheAgent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, r := store.NewMemory(), newRemote("main a")
		works(r, time.Hour)
		b, _ := sharing(t, s, "a", r.task("deploy", "main"))
		done := make(chan error, 1)
		go func() { done <- b.Run(t.Context()) }()
		elapse(time.Minute)
		doc, err := s.Get(t.Context(), "deploy")
		if err != nil {
			t.Fatal(err)
		}
		data := strings.Replace(string(doc.Data), "nonce: ", "nonce: x", 1)
		if _, err := s.Put(t.Context(), "deploy", []byte(data), doc.Version); err != nil {
			t.Fatal(err)
		}
		elapse(lease.TTL / 2)
		var lied *lease.LiedError
		if err := <-done; !errors.As(err, &lied) {
			t.Errorf("Run: %v", err)
		}
	})
}

// TestPollsOfInstancesWriteNothing counts what an idle hour saves.
func TestPollsOfInstancesWriteNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &brittle{Store: store.NewMemory()}
		r := newRemote("main a")
		for _, name := range []string{"a", "b"} {
			b, _ := sharing(t, s, name, r.task("deploy", "main"))
			b.start(t)
		}
		elapse(5 * time.Minute)
		before := s.puts
		elapse(time.Hour)
		want(t, "puts", s.puts, before)
	})
}
