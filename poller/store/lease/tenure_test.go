package lease

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
)

// note is a document of the tests.
type note struct {
	Text  string `yaml:"text,omitempty"`
	Lease Lease  `yaml:"lease,omitempty"`
}

func notes(s store.Store, name string, predecessors ...string) *Document[note] {
	terms, err := NewTerms(TTL, 8*time.Second)
	if err != nil {
		panic(err)
	}
	begin := time.Now()
	in := &Instance{
		Owner: Owner{Name: name, ID: NewID(), Host: "host-" + name, PID: 7}, Predecessors: predecessors,
		Terms: terms, Clock: func() time.Duration { return time.Since(begin) },
	}
	return &Document[note]{Store: s, Key: "task", Hold: in.Hold("task"), Format: Format[note]{
		Decode: func(data []byte, into *note) error { return yaml.Unmarshal(data, into) },
		Encode: func(n note) ([]byte, error) { return yaml.Marshal(n) },
		Lease:  func(n *note) *Lease { return &n.Lease },
	}}
}

func writes(text string) func(note) note { return func(n note) note { n.Text = text; return n } }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestOneOwnerAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		a, b := notes(s, "a"), notes(s, "b")
		must(t, a.Acquire(t.Context()))
		must(t, a.Save(t.Context(), writes("a's")))
		err := b.Acquire(t.Context())
		var held *HeldError
		if !errors.As(err, &held) || held.Left() != TTL {
			t.Fatalf("error %v", err)
		}
		for _, word := range []string{"a (pid 7 on host-a)", "since 2000-01-01 00:00:00 UTC", "free at 2000-01-01 00:01:00 UTC"} {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%q does not say %q", err, word)
			}
		}
		var lost *LostError
		if err := b.Save(t.Context(), writes("b's")); !errors.As(err, &lost) {
			t.Errorf("saved without the lease: %v", err)
		}
		must(t, a.Release(t.Context()))
		must(t, b.Acquire(t.Context()))
		if b.State.Text != "a's" || b.State.Lease.Fence != 2 {
			t.Errorf("the next owner has %+v", b.State)
		}
		if err := a.Save(t.Context(), writes("late")); !errors.As(err, &lost) {
			t.Errorf("saved after the lease was given back: %v", err)
		}
	})
}

// TestLateSavesAreFencedOut is a run that outlives its lease: also where its
// instance has the lease again.
func TestLateSavesAreFencedOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		a, b := notes(s, "a"), notes(s, "b")
		must(t, a.Acquire(t.Context()))
		bound, stop := a.Bound(t.Context(), func(time.Duration) {})
		defer stop()
		time.Sleep(45*time.Second - time.Millisecond)
		synctest.Wait()
		must(t, bound.Err())
		time.Sleep(2 * time.Millisecond)
		synctest.Wait()
		var lost *LostError
		if !errors.As(context.Cause(bound), &lost) {
			t.Errorf("at the margin before its end: %v", context.Cause(bound))
		}
		must(t, a.Save(t.Context(), writes("done in time, saved late"))) // nobody has taken it
		time.Sleep(TTL)
		must(t, b.Acquire(t.Context()))
		must(t, b.Release(t.Context()))
		again := a.Beside()
		must(t, again.Acquire(t.Context()))
		if err := a.Save(t.Context(), writes("stale")); !errors.As(err, &lost) {
			t.Errorf("an earlier tenure saved: %v", err)
		}
		must(t, again.Save(t.Context(), writes("fresh")))
	})
}

func TestKeepingALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		a, b := notes(s, "a"), notes(s, "b")
		must(t, a.Acquire(t.Context()))
		bound, stop := a.Bound(t.Context(), func(time.Duration) {})
		defer stop()
		ctx, end := context.WithCancel(t.Context())
		kept := make(chan error)
		go func() { kept <- a.Beside().Keep(ctx) }()
		time.Sleep(time.Hour)
		must(t, bound.Err())
		end()
		must(t, <-kept)
		died := time.Now()
		for b.Acquire(t.Context()) != nil {
			time.Sleep(time.Second)
		}
		if took := time.Since(died); took > TTL {
			t.Errorf("taken over after %s", took)
		}
	})
}

// TestASuccessorTakesOverAtOnce is a restart after a crash, on the same repo dir.
func TestASuccessorTakesOverAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		a := notes(s, "a")
		must(t, a.Acquire(t.Context()))
		var held *HeldError
		if err := notes(s, "a").Acquire(t.Context()); !errors.As(err, &held) {
			t.Errorf("another one of that name: %v", err)
		}
		must(t, notes(s, "a", a.Hold.of.Owner.ID).Acquire(t.Context()))
	})
}

// slow answers when told to.
type slow struct {
	store.Store
	done func()
	drop bool
}

func (s *slow) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	if s.drop {
		s.drop = false
		return "acknowledged", nil
	}
	saved, err := s.Store.Put(ctx, key, data, version)
	if s.done != nil {
		s.done()
		err = errors.Join(err, ctx.Err())
	}
	return saved, err
}

// TestAnInterruptedAcquisitionIsGivenBack is SIGTERM while the answer is on its way.
func TestAnInterruptedAcquisitionIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &slow{Store: store.NewMemory()}
		ctx, cancel := context.WithCancel(t.Context())
		s.done = func() { s.done = nil; cancel() }
		if err := notes(s, "a").Acquire(ctx); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		must(t, notes(s, "b").Acquire(t.Context()))
	})
}

func TestTheStoreLied(t *testing.T) {
	for name, lie := range map[string]func(t *testing.T, s *slow, a, b *Document[note]){
		"an acknowledged save is gone": func(_ *testing.T, s *slow, _, _ *Document[note]) { s.drop = true },
		"the fence went back": func(t *testing.T, s *slow, a, b *Document[note]) {
			t.Helper()
			old, err := s.Get(t.Context(), "task")
			must(t, err)
			must(t, a.Release(t.Context()))
			must(t, b.Acquire(t.Context()))
			must(t, b.Release(t.Context()))
			_, err = a.Load(t.Context())
			must(t, err)
			now, err := s.Get(t.Context(), "task")
			must(t, err)
			_, err = s.Put(t.Context(), "task", old.Data, now.Version)
			must(t, err)
		},
		"another owner at its fence": func(t *testing.T, s *slow, _, _ *Document[note]) {
			t.Helper()
			now, err := s.Get(t.Context(), "task")
			must(t, err)
			_, err = s.Put(t.Context(), "task", []byte(strings.Replace(string(now.Data), "owner: ", "owner: x", 1)), now.Version)
			must(t, err)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &slow{Store: store.NewMemory()}
				a, b := notes(s, "a"), notes(s, "b")
				must(t, a.Acquire(t.Context()))
				lie(t, s, a, b)
				err := errors.Join(a.Save(t.Context(), writes("one")), a.Save(t.Context(), writes("two")))
				var lied *LiedError
				if !errors.As(err, &lied) || !strings.Contains(err.Error(), "the store lied: task: ") {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

func TestWithoutInstancesNothingIsSavedOfLeases(t *testing.T) {
	s := store.NewMemory()
	d := notes(s, "a")
	d.Hold = nil
	must(t, errors.Join(d.Acquire(t.Context()), d.Save(t.Context(), writes("one")), d.Release(t.Context())))
	doc, err := s.Get(t.Context(), "task")
	must(t, err)
	if string(doc.Data) != "text: one\n" {
		t.Errorf("saved %q", doc.Data)
	}
}
