package poller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

func TestStateSurvivesTheStore(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)
	run := Run{
		ID: "r", Revision: git.Revision{Ref: "refs/heads/a b: #{}", SHA: "1234567e10" + strings.Repeat("0", 30)},
		Attempt: 3, Started: at, Finished: at, Outcome: Failure, Action: "null", Reason: "line\nline \"x\"",
	}
	want := State{
		URL: "git@h:x", Patterns: git.Patterns{"refs/heads/*", "!refs/heads/x"}, NextPoll: at,
		Remembered: headSet{{Ref: "refs/heads/y", SHA: sha("0")}, {Ref: "refs/heads/yes", SHA: strings.Repeat("12345678", 5)}},
		Refs: map[string]RefState{
			run.Revision.Ref: {Applied: sha("1"), Run: &run, Retry: at, Group: &actions.Group{ID: 7, Started: "boot/1"}},
			"refs/heads/no":  {Applied: sha("2")},
		},
	}
	m := newMemory(store.NewMemory(), "deploy")
	if err := m.Save(t.Context(), func(State) State { return want }); err != nil {
		t.Fatal(err)
	}
	fresh := newMemory(m.Store, "deploy")
	got, err := fresh.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if g, w := describe(got), describe(want); g != w {
		t.Errorf("\n got %s\nwant %s", g, w)
	}
}

func describe(s State) string {
	var refs []string
	for ref, r := range s.Refs {
		if r.Run != nil {
			refs = append(refs, fmt.Sprintf("run %+v group %+v", *r.Run, *r.Group))
		}
		refs = append(refs, fmt.Sprintf("%s %s %s", ref, r.Applied, r.Retry))
	}
	return fmt.Sprintf("%s %s %s %v %d %s", s.URL, s.Patterns, s.NextPoll, s.Remembered, len(s.Refs), strings.Join(sorted(refs), "; "))
}

func TestDamagedDocumentIsNamed(t *testing.T) {
	s := store.NewMemory()
	if _, err := s.Put(t.Context(), "deploy", []byte("refs: 3\n"), ""); err != nil {
		t.Fatal(err)
	}
	p := New()
	p.Store = s
	for range 2 { // what does not load is not taken for loaded
		if err := p.Load(t.Context()); err == nil || !strings.Contains(err.Error(), `state of task "deploy"`) {
			t.Errorf("Load: %v", err)
		}
	}
}

// lister counts how often all of a store is read.
type lister struct {
	store.Store
	lists int
}

func (l *lister) List(ctx context.Context, prefix string) ([]string, error) {
	l.lists++
	return l.Store.List(ctx, prefix)
}

func TestStateIsLoadedOnce(t *testing.T) {
	s := &lister{Store: store.NewMemory()}
	if _, err := s.Put(t.Context(), "gone", []byte("url: https://example.com/x\n"), ""); err != nil {
		t.Fatal(err)
	}
	p := New()
	p.Store, p.RepoDir = s, t.TempDir()
	if err := errors.Join(p.Load(t.Context()), p.Load(t.Context()), p.Once(t.Context(), true)); err != nil {
		t.Fatal(err)
	}
	if s.lists != 1 || p.states != nil {
		t.Errorf("read %d times, kept: %v", s.lists, p.states)
	}
}

// heads10k is a large repository's answer.
func heads10k() []git.Revision {
	heads := make([]git.Revision, 10_000)
	for i := range heads {
		heads[i] = git.Revision{Ref: fmt.Sprintf("refs/heads/feature/%05d", i), SHA: fmt.Sprintf("%040x", i+1)}
	}
	return heads
}

func TestTenThousandBranchesAreRemembered(t *testing.T) {
	task := Task{Name: "deploy", URL: url, Refs: git.Patterns{"refs/heads/**"}}
	heads := heads10k()
	m := newMemory(store.NewMemory(), "deploy")
	err := m.Save(t.Context(), func(s State) State { return decide(task, s, heads, time.Now()).state })
	if err != nil {
		t.Fatal(err)
	}
	fresh := newMemory(m.Store, "deploy")
	state, err := fresh.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	v := decide(task, state, heads, time.Now())
	want(t, "todo, remembered, changed", []any{len(v.todo), len(v.remembered), v.changed}, []any{0, 0, false})
}
