package poller

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// strand is one instance's way to the bucket, which may be cut.
type strand struct {
	bucket.Objects
	mu  sync.Mutex
	cut bool
}

func (s *strand) set(cut bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.cut = cut
}

func (s *strand) failing() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cut {
		return &bucket.Error{Err: errCut}
	}
	return nil
}

func (s *strand) Get(ctx context.Context, name string) (bucket.Object, error) {
	if err := s.failing(); err != nil {
		return bucket.Object{}, err
	}
	return s.Objects.Get(ctx, name)
}

func (s *strand) Put(ctx context.Context, name string, body []byte, cond bucket.Condition) (bucket.Object, error) {
	if err := s.failing(); err != nil {
		return bucket.Object{}, err
	}
	return s.Objects.Put(ctx, name, body, cond)
}

func (s *strand) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	if err := s.failing(); err != nil {
		return bucket.Page{}, err
	}
	return s.Objects.List(ctx, prefix, after)
}

// member is a bench that shares a bucket with others.
type member struct {
	*bench
	strand *strand
	stop   func()
	loses  bool // what it has run and could not save
	beats  error
}

// joining makes a bench a member of a bucket.
func joining(t *testing.T, b *objects.Bucket, name string, tasks ...Task) *member {
	t.Helper()
	m := &member{bench: newBench(t), strand: &strand{Objects: b}}
	terms, err := lease.NewTerms(lease.TTL, 8*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	in := &lease.Instance{
		Owner: lease.Owner{Name: name, ID: lease.NewID(), Host: "host-" + name, PID: 7},
		Terms: terms, Clock: func() time.Duration { return time.Since(begin) },
	}
	m.Members = members.Open(in, bucket.New(m.strand, bucket.Options{Folder: "team"}), slog.New(slog.DiscardHandler))
	m.Members.Behind = m.Behind
	m.Members.Describe(4, nil)
	m.Store = m.Members.Documents
	m.Join(in)
	m.Set(tasks)
	return m
}

// start has it claim its name, beat and poll until the test ends, or stop or crash is called.
func (m *member) start(t *testing.T) {
	t.Helper()
	if err := m.Members.Claim(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		m.beats = m.Members.Run(ctx)
	}()
	polling, end := context.WithCancel(t.Context())
	ran := make(chan error, 1)
	go func() { ran <- m.Run(polling) }()
	time.Sleep(100 * time.Millisecond) // not elapse: others may start at that moment
	m.stop = sync.OnceFunc(func() {
		end()
		if err := <-ran; err != nil && m.strand.failing() == nil && !m.loses {
			t.Errorf("Run: %v", err)
		}
		cancel()
		<-done
		if err := m.Members.Leave(context.WithoutCancel(ctx)); err != nil && !errors.Is(err, errCut) {
			t.Error(err)
		}
	})
	t.Cleanup(m.stop)
}

// crash ends it without a word to the store.
func (m *member) crash() {
	m.strand.set(true)
	m.stop()
}

// repositories are remotes with a task each.
func repositories(n int) (remotes []*remote, tasks []Task) {
	for i := range n {
		r := newRemote("main a")
		task := r.task(fmt.Sprintf("task-%d", i), "main")
		remotes, tasks = append(remotes, r), append(tasks, task)
	}
	return remotes, tasks
}

// looks counts the polls of all.
func looks(remotes []*remote) (n int) {
	for _, r := range remotes {
		seen, _ := r.seen()
		n += seen
	}
	return n
}
