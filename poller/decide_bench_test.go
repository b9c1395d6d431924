package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/file"
)

// manyHeads is a pattern task on a large repository, all of which is remembered.
func manyHeads(n int) (Task, State, []git.Revision) {
	task := Task{Name: "deploy", URL: url, Refs: git.Patterns{"refs/heads/**", "!refs/heads/old/**"}, Interval: time.Minute, Timeout: time.Hour}
	heads := make([]git.Revision, n)
	for i := range heads {
		heads[i] = git.Revision{Ref: fmt.Sprintf("refs/heads/feature/%05d", i), SHA: fmt.Sprintf("%040x", i)}
	}
	return task, decide(task, State{}, heads, time.Now()).state, heads
}

func BenchmarkDecideNothingNewOf10000Heads(b *testing.B) {
	task, state, heads := manyHeads(10_000)
	now := time.Now()
	for b.Loop() {
		if v := decide(task, state, heads, now); v.changed || len(v.todo) > 0 {
			b.Fatal("something is new")
		}
	}
}

func BenchmarkDecideFirstLookAt10000Heads(b *testing.B) {
	task, _, heads := manyHeads(10_000)
	now := time.Now()
	for b.Loop() {
		if v := decide(task, State{}, heads, now); len(v.remembered) != len(heads) {
			b.Fatal("not all are remembered")
		}
	}
}

// benchMemory is the memory of a pattern task with many heads, in a real file.
func benchMemory(b *testing.B, n int) *memory {
	b.Helper()
	file, err := file.Open(b.TempDir() + "/state.yaml")
	if err != nil {
		b.Fatal(err)
	}
	_, state, _ := manyHeads(n)
	m := newMemory(file, "deploy")
	if err := m.Save(b.Context(), func(State) State { return state }); err != nil {
		b.Fatal(err)
	}
	return &m
}

func BenchmarkLoadUnchangedOf10000Heads(b *testing.B) {
	m := benchMemory(b, 10_000)
	for b.Loop() {
		if _, err := m.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad1000Heads(b *testing.B) {
	m := benchMemory(b, 1000)
	for b.Loop() {
		m.Version = "" // as after a start
		if _, err := m.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSave1000Heads(b *testing.B) {
	m := benchMemory(b, 1000)
	for b.Loop() {
		if err := m.Save(b.Context(), func(s State) State { return s }); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDecideNothingNewOf2000Tags is of the highest version among them, and of a pattern. state-bytes is what they
// take in the state.
func BenchmarkDecideNothingNewOf2000Tags(b *testing.B) {
	heads := make([]git.Revision, 2000)
	for i := range heads {
		heads[i] = git.Revision{Ref: fmt.Sprintf("refs/tags/v1.%04d.0", i+1000), SHA: fmt.Sprintf("%040x", i)}
	}
	versions, err := git.NewVersions("<2", "", false)
	if err != nil {
		b.Fatal(err)
	}
	for name, task := range map[string]Task{
		"pattern": {Name: "deploy", URL: url, Refs: git.Patterns{"refs/tags/v*"}, Interval: time.Minute},
		"semver":  {Name: "deploy", URL: url, Refs: versions.Patterns(), Versions: versions, Interval: time.Minute},
	} {
		b.Run(name, func(b *testing.B) {
			now := time.Now()
			state := decide(task, State{}, heads, now).state
			if task.Versions != nil {
				top := heads[len(heads)-1]
				state = state.with(top.Ref, func(r *RefState) {
					r.Run, r.Applied, r.At = &Run{ID: newRunID(now), Revision: top, Outcome: Success, Started: now, Finished: now}, top.SHA, top.SHA
				})
			}
			m := newMemory(nil, "deploy")
			text, err := m.Format.Encode(state)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if v := decide(task, state, heads, now); v.changed || len(v.todo) > 0 {
					b.Fatal("something is new")
				}
			}
			b.ReportMetric(float64(len(text)), "state-bytes")
		})
	}
}
