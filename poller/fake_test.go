package poller

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

const url = "https://git.example.com/acme/shop"

// remote is a repository without a server: heads that a test moves.
type remote struct {
	mu    sync.Mutex
	heads map[string]string
	err   error
	hang  bool
	looks []time.Time
	runs  []string // "main aaa" for each checkout
	work  func(ctx context.Context, rev git.Revision) error
}

func sha(c string) string { return strings.Repeat(c, 40) }

func newRemote(heads ...string) *remote {
	r := &remote{heads: map[string]string{}}
	for _, head := range heads {
		name, c, _ := strings.Cut(head, " ")
		r.push(name, c)
	}
	return r
}

func (r *remote) push(branch, c string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.heads["refs/heads/"+branch] = sha(c)
}

func (r *remote) remove(branch string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.heads, "refs/heads/"+branch)
}

func (r *remote) fail(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *remote) seen() (looks int, runs []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.looks), slices.Clone(r.runs)
}

func (r *remote) Heads(ctx context.Context, refs git.Patterns) ([]git.Revision, error) {
	turns.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.looks = append(r.looks, time.Now())
	if r.hang {
		r.mu.Unlock()
		<-ctx.Done()
		r.mu.Lock()
		return nil, ctx.Err()
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(r.heads) == 0 {
		return nil, git.ErrEmpty
	}
	var heads []git.Revision
	for ref, sha := range r.heads {
		if matched, _ := refs.Match(ref); matched {
			heads = append(heads, git.Revision{Ref: ref, SHA: sha})
		}
	}
	slices.SortFunc(heads, func(a, b git.Revision) int { return strings.Compare(a.Ref, b.Ref) })
	return heads, nil
}

func (r *remote) Checkout(ctx context.Context, rev git.Revision, dir string) error {
	r.mu.Lock()
	r.runs = append(r.runs, rev.Name()+" "+rev.SHA[:1])
	work := r.work
	r.mu.Unlock()
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	if work != nil {
		return work(ctx, rev)
	}
	return nil
}

func (r *remote) task(name string, refs ...string) Task {
	full := make(git.Patterns, len(refs))
	for i, ref := range refs {
		bare, excluded := strings.CutPrefix(ref, "!")
		full[i] = "refs/heads/" + bare
		if excluded {
			full[i] = "!" + full[i]
		}
	}
	return Task{
		Name: name, URL: url, Refs: full, Interval: time.Minute, Timeout: time.Hour,
		Heads: r.Heads, Checkout: r.Checkout,
		Plan:   func(context.Context, string, git.Revision) (Plan, error) { return Plan{}, nil },
		Digest: name,
	}
}

// bench is a poller under test with what it told.
type bench struct {
	*Poller
	mu     sync.Mutex
	events []Event
}

func newBench(t *testing.T, tasks ...Task) *bench {
	t.Helper()
	b := &bench{Poller: New()}
	b.Store, b.RepoDir, b.Parallel = store.NewMemory(), t.TempDir(), 4
	b.Observers = []Observer{func(e Event) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.events = append(b.events, e)
	}}
	b.Set(tasks)
	return b
}

// again is another poller on the same state, as after a restart.
func (b *bench) again(t *testing.T, tasks ...Task) *bench {
	t.Helper()
	next := newBench(t, tasks...)
	next.Store = b.Store
	return next
}

// start runs the poller in the background until the test ends or stop is called.
func (b *bench) start(t *testing.T) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- b.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(stop)
	elapse(100 * time.Millisecond)
	return stop
}

func (b *bench) told(kinds ...Kind) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var told []string
	for _, e := range b.events {
		if !slices.Contains(kinds, e.Kind) {
			continue
		}
		s := string(e.Kind)
		if e.Run.Revision.SHA != "" {
			s += " " + e.Run.Revision.Name() + " " + e.Run.Revision.SHA[:1]
		}
		if e.Kind == Finished {
			s += " " + string(e.Run.Outcome)
		}
		if e.Err != nil {
			s += ": " + e.Err.Error()
		}
		told = append(told, s)
	}
	return told
}

func (b *bench) state(t *testing.T, task string) State {
	t.Helper()
	m := newMemory(b.Store, task)
	s, err := m.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// brittle is a store that refuses to save while told so.
type brittle struct {
	store.Store
	mu   sync.Mutex
	full bool
	puts int
}

var errFull = errors.New("no space left on device")

func (s *brittle) fill(full bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.full = full
}

func (s *brittle) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	s.mu.Lock()
	s.puts++
	full := s.full
	s.mu.Unlock()
	if full {
		return "", errFull
	}
	return s.Store.Put(ctx, key, data, version)
}

func want(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

func entries(t *testing.T, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// turns puts what a test has read before what a later poll leads to.
var turns atomic.Int64

// elapse lets time pass in a synctest bubble, and what is due then happen.
func elapse(d time.Duration) {
	turns.Add(1)
	time.Sleep(d)
	synctest.Wait()
}

func sorted(s []string) []string {
	slices.Sort(s)
	return s
}
