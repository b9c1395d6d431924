package poller

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// realHeads have SHAs that no compression makes smaller, as real ones.
func realHeads(n int) []git.Revision {
	random := rand.New(rand.NewPCG(1, 2))
	heads := make([]git.Revision, n)
	for i := range heads {
		heads[i] = git.Revision{
			Ref: fmt.Sprintf("refs/heads/feature/%d-do-this", i),
			SHA: fmt.Sprintf("%016x%016x%08x", random.Uint64(), random.Uint64(), random.Uint32()),
		}
	}
	return heads
}

// TestBranchesAreSmallInTheState keeps as many branches as four tasks may have far below
// the 64 MB that a state file may have.
func TestBranchesAreSmallInTheState(t *testing.T) {
	const most = 32 // bytes, of which the SHA in base64 has 27
	n := 100_000
	if testing.Short() {
		n = 20_000
	}
	heads := realHeads(n)
	task := Task{Name: "deploy", URL: url, Refs: git.Patterns{"refs/heads/**"}}
	m := newMemory(store.NewMemory(), "deploy")
	if err := m.Save(t.Context(), func(s State) State { return decide(task, s, heads, time.Now()).state }); err != nil {
		t.Fatal(err)
	}
	doc, err := m.Store.Get(t.Context(), "deploy")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes a branch", len(doc.Data)/len(heads))
	if len(doc.Data) > most*len(heads) {
		t.Errorf("%d branches take %d bytes", len(heads), len(doc.Data))
	}
	fresh := newMemory(m.Store, "deploy")
	state, err := fresh.Load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v := decide(task, state, heads, time.Now()); v.changed || len(v.todo) > 0 {
		t.Errorf("read back, %d branches are to run", len(v.todo))
	}
}

func TestHeadSetsAreReadBack(t *testing.T) {
	with := func(sha string) func(headSet) headSet {
		return func(h headSet) headSet { return h.with(headSet{{Ref: "refs/heads/x", SHA: sha}}) }
	}
	for name, spoil := range map[string]func(headSet) headSet{
		"packed": func(h headSet) headSet { return h },
		"mixed":  with(strings.Repeat("ab", 32)),
		"odd":    with("nosha"),
		"few": func(h headSet) headSet {
			return h.without(func(ref string) bool { return !strings.Contains(ref, "/77-") })
		},
		"none": func(headSet) headSet { return nil },
	} {
		h := spoil(newHeadSet(realHeads(mostListed + 1)))
		data, err := yaml.Marshal(State{Remembered: h})
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(data), "refs/heads/"); name == "packed" && lines > 0 || name != "packed" && lines != len(h) {
			t.Errorf("%s: %d of %d heads are lines", name, lines, len(h))
		}
		var back State
		if err := yaml.Unmarshal(data, &back); err != nil || !slices.Equal(back.Remembered, h) {
			t.Errorf("%s: %d of %d heads, %v", name, len(back.Remembered), len(h), err)
		}
	}
	for _, bad := range []string{"3", "{a: b}", "[x]", "[packed]", "[packed, x]", "[packed, eJwrSS0uAQAEXQHB]"} {
		var back State
		if err := yaml.Unmarshal([]byte("remembered: "+bad+"\n"), &back); err == nil {
			t.Errorf("%s: read as %v", bad, back.Remembered)
		}
	}
}
