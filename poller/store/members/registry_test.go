package members

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// link is one instance's way to the bucket, which may be cut.
type link struct {
	bucket.Objects
	mu  sync.Mutex
	cut bool
}

var errCut = &bucket.Error{Err: errors.New("no route to host")}

func (l *link) set(cut bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = cut
}

func (l *link) failing() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut {
		return errCut
	}
	return nil
}

func (l *link) Get(ctx context.Context, name string) (bucket.Object, error) {
	if err := l.failing(); err != nil {
		return bucket.Object{}, err
	}
	return l.Objects.Get(ctx, name)
}

func (l *link) Put(ctx context.Context, name string, body []byte, cond bucket.Condition) (bucket.Object, error) {
	if err := l.failing(); err != nil {
		return bucket.Object{}, err
	}
	return l.Objects.Put(ctx, name, body, cond)
}

func (l *link) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	if err := l.failing(); err != nil {
		return bucket.Page{}, err
	}
	return l.Objects.List(ctx, prefix, after)
}

// instance is a registry under test.
type instance struct {
	*Registry
	link *link
	end  func() error // as a crash does
}

func open(t *testing.T, b *objects.Bucket, name string, predecessors ...string) *instance {
	t.Helper()
	terms, err := lease.NewTerms(lease.TTL, 8*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	in := &lease.Instance{
		Owner: lease.Owner{Name: name, ID: lease.NewID(), Host: "host-" + name, PID: 7}, Predecessors: predecessors,
		Terms: terms, Clock: func() time.Duration { return time.Since(begin) },
	}
	l := &link{Objects: b}
	root := bucket.New(l, bucket.Options{Folder: "team", Writer: "kitops/test"})
	i := &instance{Registry: Open(in, root, slog.New(slog.DiscardHandler)), link: l}
	i.Describe(4, nil)
	i.Announce(map[string]Task{"shop": {Definition: "1"}})
	return i
}

// start claims the name and beats until the test or the instance ends.
func (i *instance) start(t *testing.T) {
	t.Helper()
	if err := i.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- i.Run(ctx) }()
	i.end = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() { _ = i.end() })
}

func names(all []Member) string {
	var names []string
	for _, m := range all {
		names = append(names, m.Owner.Name)
	}
	return fmt.Sprint(names)
}

func elapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// TestMembersComeAndGo: one that leaves is gone at the next beat, one that crashes or is cut
// off when it has been silent for as long as a lease lasts.
func TestMembersComeAndGo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		a, c, d, e := open(t, b, "a"), open(t, b, "c"), open(t, b, "d"), open(t, b, "e")
		for _, i := range []*instance{a, c, d, e} {
			i.start(t)
		}
		elapse(21 * time.Second)
		want := func(what, live, gone string) {
			t.Helper()
			if v := a.View(); names(v.Live) != live || names(v.Gone) != gone {
				t.Errorf("%s: %s live, %s are gone; want %s and %s", what, names(v.Live), names(v.Gone), live, gone)
			}
		}
		want("all", "[a c d e]", "[]")
		if err := errors.Join(c.end(), c.Leave(t.Context())); err != nil {
			t.Fatal(err)
		}
		_ = d.end()
		e.link.set(true)
		elapse(21 * time.Second)
		want("one has left", "[a d e]", "[]")
		elapse(lease.TTL)
		want("two are silent", "[a]", "[d e]")
		if recent := names(a.View().Recent()); recent != "[a d e]" {
			t.Errorf("recent %s", recent)
		}
		elapse(lease.TTL)
		if recent := names(a.View().Recent()); recent != "[a]" {
			t.Errorf("recent %s", recent)
		}
		e.link.set(false)
		elapse(21 * time.Second)
		want("one is back", "[a e]", "[d]")
		errs := errors.Join(a.end(), e.end())
		elapse(8 * 24 * time.Hour)
		a.start(t)
		e.start(t)
		elapse(41 * time.Second)
		want("after a week", "[a e]", "[]")
		if errs != nil {
			t.Error(errs)
		}
		if names := b.Names(); len(names) != 4 {
			t.Errorf("the bucket has %q", names)
		}
	})
}

// TestANameIsOneInstances: a second one exits, unless the first is gone; it does not wait
// where it is the first's successor.
func TestANameIsOneInstances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		first := open(t, b, "a")
		first.start(t)
		elapse(time.Minute)
		began := time.Now()
		var taken *NameTakenError
		if err := open(t, b, "a").Claim(t.Context()); !errors.As(err, &taken) || taken.By.Owner != first.Instance.Owner {
			t.Fatalf("error %v", err)
		}
		if took := time.Since(began); took > lease.TTL/3+2*retry {
			t.Errorf("after %s", took)
		}
		_ = first.end() // it crashes
		began = time.Now()
		open(t, b, "a", first.Instance.Owner.ID).start(t)
		if took := time.Since(began); took > retry {
			t.Errorf("its successor has waited for %s", took)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		first := open(t, b, "a")
		first.start(t)
		first.link.set(true)
		began := time.Now()
		second := open(t, b, "a")
		second.start(t)
		if took := time.Since(began); took < lease.TTL || took > lease.TTL+2*retry+time.Second {
			t.Errorf("another one has waited for %s", took)
		}
		first.link.set(false)
		elapse(lease.TTL)
		var taken *NameTakenError
		if err := first.end(); !errors.As(err, &taken) || taken.By.Owner != second.Instance.Owner {
			t.Errorf("the first goes on: %v", err)
		}
		if err := second.end(); err != nil {
			t.Error(err)
		}
	})
}

// TestTwoOfANameAtTheSameMoment: one of them has it.
func TestTwoOfANameAtTheSameMoment(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := &objects.Bucket{}
		results := make(chan error, 2)
		for range 2 {
			i := open(t, b, "a")
			go func() {
				err := i.Claim(t.Context())
				if err == nil {
					go func() { _ = i.Run(t.Context()) }()
				}
				results <- err
			}()
		}
		errs := []error{<-results, <-results}
		var taken *NameTakenError
		if won := slices.Index(errs, nil); won < 0 || !errors.As(errs[1-won], &taken) {
			t.Errorf("errors %v", errs)
		}
	})
}

// TestWhatIdleMembersCost counts the requests of ten members that share a thousand tasks,
// and those beside 500 that have died.
func TestWhatIdleMembersCost(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("1,000 tasks, 500 dead members")
	}
	for dead, most := range map[int]float64{0: 1.6, 500: 2.1} {
		synctest.Test(t, func(t *testing.T) {
			b := &objects.Bucket{}
			tasks := map[string]Task{}
			root := bucket.New(b, bucket.Options{Folder: "team"})
			for n := range 1000 {
				name := fmt.Sprintf("task-%d", n)
				tasks[name] = Task{}
				if _, err := root.Sub(TasksDir).Put(t.Context(), name, []byte("url: there\n"), ""); err != nil {
					t.Fatal(err)
				}
			}
			for n := range dead {
				name := fmt.Sprintf("dead-%d", n)
				_, err := root.Sub(InstancesDir).Put(t.Context(), name, []byte("instance: "+name+"\nowner: x\ncapacity: 4\n"), "")
				if err := errors.Join(err, root.Sub(BeatsDir).Touch(t.Context(), name)); err != nil {
					t.Fatal(err)
				}
			}
			elapse(time.Hour)
			for n := range 10 {
				i := open(t, b, fmt.Sprintf("member-%d", n))
				i.Announce(tasks)
				i.start(t)
			}
			elapse(4 * time.Minute)
			before := requests(b)
			const while = 2 * time.Minute
			elapse(while)
			each := float64(requests(b)-before) / while.Seconds()
			t.Logf("%d dead: %.2f requests a second", dead, each)
			if each > most {
				t.Errorf("%d dead: %.2f requests a second, want %.1f at most", dead, each, most)
			}
		})
	}
}

func requests(b *objects.Bucket) int {
	return b.Asked("Get") + b.Asked("Put") + b.Asked("List") + b.Asked("Remove")
}
