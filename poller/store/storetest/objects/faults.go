package objects

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/storetest"
)

// Open makes the store under test on a server of the bucket.
type Open func(t *testing.T, b *Bucket) (*bucket.Store, *Server)

// Run tests a store of either protocol: that it is one, and what it makes of a network and a server that do wrong.
func Run(t *testing.T, open Open) {
	t.Helper()
	t.Run("store", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) store.Store {
			t.Helper()
			s, _ := open(t, &Bucket{PageSize: 50})
			return s
		})
	})
	for name, test := range map[string]func(*testing.T, *bucket.Store, *Server, *Bucket){
		"answers of puts are lost":       answersLost,
		"requests are lost":              requestsLost,
		"a put lands late":               putLate,
		"a lost put met another's":       putOverwritten,
		"nothing comes back":             silence,
		"the server is busy":             serverBusy,
		"another writes at that moment":  conflictsWithNothing,
		"nobody repeats a put by itself": noRetries,
		"the time is the server's":       serverTime,
		"entries":                        entries,
		"what is there is seen in it":    readable,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := &Bucket{}
			s, server := open(t, b)
			test(t, s, server, b)
		})
	}
}

func mustPut(t *testing.T, s store.Store, key, data, version string) string {
	t.Helper()
	next, err := s.Put(t.Context(), key, []byte(data), version)
	if err != nil {
		t.Fatalf("put %s at %q: %v", data, version, err)
	}
	return next
}

func mustGet(t *testing.T, s store.Store, key, want string) store.Document {
	t.Helper()
	doc, err := s.Get(t.Context(), key)
	if err == nil {
		err = storetest.SameMeaning(doc.Data, []byte(want))
	}
	if err != nil {
		t.Fatalf("get %s: %v", key, err)
	}
	return doc
}

// answersLost: an own success must not look like another's.
func answersLost(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	server.FirstPuts(1, LoseAnswer)
	first := mustPut(t, s, "a", "n: 1", "")
	server.FirstPuts(2, LoseAnswer)
	second := mustPut(t, s, "a", "n: 2", first)
	if doc := mustGet(t, s, "a", "n: 2"); doc.Version != second {
		t.Errorf("Put gave version %q, Get gives %q", second, doc.Version)
	}
}

func requestsLost(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	server.FirstPuts(2, LoseRequest)
	version := mustPut(t, s, "a", "n: 1", "")
	server.FirstGets(2, LoseRequest)
	mustGet(t, s, "a", "n: 1")
	server.Disturb(LoseRequest)
	if _, err := s.Put(t.Context(), "a", []byte("n: 2"), version); err == nil || errors.Is(err, store.ErrConflict) {
		t.Errorf("without a network: %v", err)
	}
	server.Disturb(nil)
	mustGet(t, s, "a", "n: 1")
}

// putLate: what was given up comes to nothing when it arrives after all, and is recognised where it was first.
func putLate(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	for after, data := range map[time.Duration]string{time.Millisecond: "n: 1", 2 * time.Second: "n: 2"} {
		key := fmt.Sprint(data)
		server.FirstPuts(1, server.Late(after))
		version := mustPut(t, s, key, data, "")
		version = mustPut(t, s, key, data+"00", version)
		server.Settle()
		if doc := mustGet(t, s, key, data+"00"); doc.Version != version {
			t.Errorf("the late put changed version %q to %q", version, doc.Version)
		}
	}
}

// putOverwritten: when the answer is lost and another has written since, it is a conflict, whoever was first.
func putOverwritten(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	first := mustPut(t, s, "a", "n: 1", "")
	server.FirstPuts(1, func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		server.Disturb(nil)
		mustPut(t, s, "a", "n: 3", first)
		LoseAnswer(w, r, serve)
	})
	if _, err := s.Put(t.Context(), "a", []byte("n: 2"), first); !errors.Is(err, store.ErrConflict) {
		t.Errorf("error %v, want a conflict", err)
	}
	mustGet(t, s, "a", "n: 3")
}

// silence: whoever asks is told when its own time is over.
func silence(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	version := mustPut(t, s, "a", "n: 1", "")
	release := make(chan struct{})
	server.Disturb(func(http.ResponseWriter, *http.Request, http.HandlerFunc) {
		<-release
		panic(http.ErrAbortHandler)
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := s.Put(ctx, "a", []byte("n: 2"), version); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("put: %v", err)
	}
	if _, err := s.Get(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("get: %v", err)
	}
	close(release)
}

func serverBusy(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	server.FirstPuts(2, Answer(http.StatusServiceUnavailable, "SlowDown"))
	mustPut(t, s, "a", "n: 1", "")
	server.FirstGets(2, Answer(http.StatusInternalServerError, "InternalError"))
	mustGet(t, s, "a", "n: 1")
	server.FirstGets(1, Answer(http.StatusBadGateway, ""))
	mustGet(t, s, "a", "n: 1")
	server.Disturb(Answer(http.StatusServiceUnavailable, "SlowDown"))
	if _, err := s.Get(t.Context(), "a"); err == nil {
		t.Error("no error")
	}
}

// conflictsWithNothing: 409 says that nothing was done, and not that somebody else has done it.
func conflictsWithNothing(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	server.FirstPuts(1, Answer(http.StatusConflict, "OperationAborted"))
	version := mustPut(t, s, "a", "n: 1", "")
	server.FirstPuts(2, Answer(http.StatusConflict, ""))
	mustPut(t, s, "a", "n: 2", version)
	mustGet(t, s, "a", "n: 2")
}

func noRetries(t *testing.T, s *bucket.Store, server *Server, _ *Bucket) {
	t.Helper()
	var mu sync.Mutex
	bodies := map[string]int{}
	server.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		mu.Lock()
		bodies[r.Method]++
		mu.Unlock()
		Answer(http.StatusInternalServerError, "InternalError")(w, r, serve)
	})
	_, _ = s.Put(t.Context(), "a", []byte("n: 1"), "")
	mu.Lock()
	defer mu.Unlock()
	if bodies[http.MethodPut] != 3 {
		t.Errorf("%d puts, want the store's own three", bodies[http.MethodPut])
	}
}

func serverTime(t *testing.T, s *bucket.Store, _ *Server, b *Bucket) {
	t.Helper()
	b.mu.Lock()
	b.Clock = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	b.mu.Unlock()
	absent, _ := s.Get(t.Context(), "a")
	mustPut(t, s, "a", "n: 1", "")
	listed, now, err := s.Entries(t.Context(), "")
	if err != nil || len(listed) != 1 {
		t.Fatalf("%v %v", listed, err)
	}
	for what, at := range map[string]time.Time{"absence": absent.Now, "document": mustGet(t, s, "a", "n: 1").Now, "listing": now, "entry": listed[0].Modified} {
		if off := time.Since(at) - 10*time.Minute; off.Abs() > 30*time.Second {
			t.Errorf("%s: the time is off by %s", what, off)
		}
	}
}

func entries(t *testing.T, s *bucket.Store, _ *Server, b *Bucket) {
	t.Helper()
	b.PageSize = 2
	want := map[string]string{}
	for _, key := range []string{"x/1", "x/2", "x/3", "x", "y", "x/4", "x/5"} {
		want[key] = mustPut(t, s, key, "n: 1", "")
	}
	if _, err := s.Put(t.Context(), "x/2", nil, want["x/2"]); err != nil {
		t.Fatal(err)
	}
	listed, _, err := s.Entries(t.Context(), "x/")
	if err != nil || len(listed) != 4 {
		t.Fatalf("%v, %v, want 4", listed, err)
	}
	for _, e := range listed {
		if e.Version != want[e.Key] {
			t.Errorf("%s is listed with version %q, want %q", e.Key, e.Version, want[e.Key])
		}
	}
}

// readable: an object says in words what it is, and has a name that leads to its task.
func readable(t *testing.T, s *bucket.Store, _ *Server, b *Bucket) {
	t.Helper()
	mustPut(t, s, "shop", "refs: {main: {applied: abc}}", "")
	names := b.Names()
	if len(names) != 1 || names[0] != "team/tasks/shop.yaml" {
		t.Fatalf("the bucket has %q", names)
	}
}
