package poller

import (
	"fmt"
	"maps"
	"math/rand/v2"
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
	heads := realHeads(100_000)
	task := Task{Name: "deploy", URL: url, Refs: git.Patterns{"refs/heads/**"}}
	m := memory{store: store.NewMemory(), key: "deploy"}
	if err := m.save(t.Context(), func(s State) State { return decide(task, s, heads, time.Now()).state }); err != nil {
		t.Fatal(err)
	}
	doc, err := m.store.Get(t.Context(), "deploy")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%d bytes a branch", len(doc.Data)/len(heads))
	if len(doc.Data) > most*len(heads) {
		t.Errorf("%d branches take %d bytes", len(heads), len(doc.Data))
	}
	fresh := memory{store: m.store, key: "deploy"}
	state, err := fresh.load(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if v := decide(task, state, heads, time.Now()); v.changed || len(v.todo) > 0 {
		t.Errorf("read back, %d branches are to run", len(v.todo))
	}
}

func TestHeadSetsAreReadBack(t *testing.T) {
	for name, spoil := range map[string]func(headSet){
		"packed": func(headSet) {},
		"mixed":  func(h headSet) { h["refs/heads/x"] = strings.Repeat("ab", 32) },
		"odd":    func(h headSet) { h["refs/heads/x"] = "nosha" },
		"few": func(h headSet) {
			maps.DeleteFunc(h, func(ref, _ string) bool { return !strings.Contains(ref, "/77-") })
		},
		"none": func(h headSet) { clear(h) },
	} {
		h := headSet{}
		for _, head := range realHeads(mostListed + 1) {
			h[head.Ref] = head.SHA
		}
		spoil(h)
		data, err := yaml.Marshal(State{Remembered: h})
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(data), "refs/heads/"); name == "packed" && lines > 0 || name != "packed" && lines != len(h) {
			t.Errorf("%s: %d of %d heads are lines", name, lines, len(h))
		}
		var back State
		if err := yaml.Unmarshal(data, &back); err != nil || !maps.Equal(back.Remembered, h) {
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
