package git

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// TestLookIsOneRequest counts what a look costs: by version 2 one small answer,
// by version 0 one that is remembered to be needed.
func TestLookIsOneRequest(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	r.Switch("other")
	r.Commit(map[string]string{"a": "2"})
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	for old, want := range map[bool][]string{
		false: {"POST", "POST"},
		true:  {"POST", "GET", "GET"}, // tries version 2 once
	} {
		var asked []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if old {
				req.Header.Del("Git-Protocol")
			}
			asked = append(asked, req.Method)
			backend.ServeHTTP(w, req)
		}))
		t.Cleanup(server.Close)
		m := mirrorOf(t, server.URL+"/repo.git")
		for range 2 {
			mustHeads(t, m, "refs/heads/main")
		}
		if !slices.Equal(asked, want) {
			t.Errorf("version 0 %v: %v, want %v", old, asked, want)
		}
		if got := mustHeads(t, m, "refs/heads/gone"); len(got) != 0 {
			t.Errorf("gone: %v", got)
		}
		if got := mustHeads(t, m, "refs/heads/*", "!refs/heads/main"); len(got) != 1 {
			t.Errorf("pattern: %v", got)
		}
	}
}

// TestEmptyAnswerIsUnknown: what says nothing does not say that refs are gone.
func TestEmptyAnswerIsUnknown(t *testing.T) {
	for name, answer := range map[string]string{"nothing": "", "half": "003d", "garbage": "<html>", "wrong": "0008HEAD"} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			if req.Method == http.MethodGet {
				w.WriteHeader(http.StatusInternalServerError)
				return
			}
			w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
			_, _ = w.Write([]byte(answer))
		}))
		t.Cleanup(server.Close)
		if heads, err := mirrorOf(t, server.URL+"/repo.git").Heads(gittest.Generous(t), refs.Patterns{"refs/heads/main"}); err == nil {
			t.Errorf("%s: %v", name, heads)
		}
	}
}

// TestLooksAreShared holds one look back until others wait behind it: they
// share the next.
func TestLooksAreShared(t *testing.T) {
	var l looks
	var asked atomic.Int32
	var union refs.Patterns
	started, release := make(chan struct{}), make(chan struct{})
	ask := func(ctx context.Context, patterns refs.Patterns) (*remote.Advertisement, error) {
		if asked.Add(1) == 1 {
			close(started)
			<-release
		} else {
			union = slices.Clone(patterns)
		}
		return &remote.Advertisement{}, ctx.Err()
	}
	var wait sync.WaitGroup
	look := func(ref string) {
		wait.Go(func() {
			if _, err := l.join(gittest.Generous(t), refs.Patterns{ref}, ask); err != nil {
				t.Error(err)
			}
		})
	}
	look("first")
	<-started
	packed := []string{"a", "b", "c"}
	for _, ref := range packed {
		look(ref)
	}
	for {
		l.mu.Lock()
		n := 0
		if l.next != nil {
			n = len(l.next.refs)
		}
		l.mu.Unlock()
		if n == len(packed) {
			break
		}
		runtime.Gosched()
	}
	close(release)
	wait.Wait()
	slices.Sort(union)
	if asked.Load() != 2 || !slices.Equal(union, packed) {
		t.Errorf("asked %d times, then for %v", asked.Load(), union)
	}
}

// TestLookOfOneWhoLeaves is asked again for those who stay.
func TestLookOfOneWhoLeaves(t *testing.T) {
	var l looks
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	started := make(chan struct{})
	first := make(chan error)
	go func() {
		_, err := l.join(ctx, refs.Patterns{"a"}, func(ctx context.Context, _ refs.Patterns) (*remote.Advertisement, error) {
			close(started)
			<-ctx.Done()
			return nil, ctx.Err()
		})
		first <- err
	}()
	<-started
	second := make(chan error)
	go func() {
		_, err := l.join(gittest.Generous(t), refs.Patterns{"b"}, func(context.Context, refs.Patterns) (*remote.Advertisement, error) {
			return &remote.Advertisement{}, nil
		})
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if err := <-second; err != nil {
		t.Error(err)
	}
}

func TestRefPrefixes(t *testing.T) {
	got := strings.Join(refs.Prefixes(refs.Patterns{"refs/heads/main", "refs/heads/release/*", "!refs/heads/x", "refs/heads/{a,b}", "HEAD"}), " ")
	if got != "HEAD refs/heads/ refs/heads/main refs/heads/release/" {
		t.Error(got)
	}
}
