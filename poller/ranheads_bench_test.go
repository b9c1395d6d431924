package poller

import (
	"fmt"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store/file"
)

// ranHeads is a task with many branches that have all run once.
func ranHeads(n int) (Task, State, []git.Revision) {
	task := Task{Name: "deploy", URL: url, Refs: git.Patterns{"refs/heads/**"}, RunNew: true, Interval: time.Minute, Timeout: time.Hour}
	state, heads := State{URL: url, Patterns: task.Refs, Refs: map[string]RefState{}}, make([]git.Revision, n)
	now := stamp()
	for i := range heads {
		heads[i] = git.Revision{Ref: fmt.Sprintf("refs/heads/feature/%05d", i), SHA: fmt.Sprintf("%040x", i)}
		state.Refs[heads[i].Ref] = RefState{
			Applied: heads[i].SHA, AppliedAt: now, Reported: "success",
			Run: &Run{ID: newRunID(now), Revision: heads[i], Attempt: 1, Started: now, Finished: now, Outcome: Success, Took: time.Second, Actions: "0123456789abcdef"},
		}
	}
	return task, state, heads
}

// BenchmarkOf2000HeadsThatRan is what a poll with nothing new costs, and what saving the outcome of one more run does.
func BenchmarkOf2000HeadsThatRan(b *testing.B) {
	for _, n := range []int{300, 2000} {
		task, state, heads := ranHeads(n)
		b.Run(fmt.Sprintf("decide/%d", n), func(b *testing.B) {
			now := time.Now()
			for b.Loop() {
				if v := decide(task, state, heads, now); v.changed || len(v.todo) > 0 {
					b.Fatal("something is new")
				}
			}
		})
		b.Run(fmt.Sprintf("save/%d", n), func(b *testing.B) {
			f, err := file.Open(b.TempDir() + "/state.yaml")
			if err != nil {
				b.Fatal(err)
			}
			m := newMemory(f, "deploy")
			text, err := m.Format.Encode(state)
			if err != nil {
				b.Fatal(err)
			}
			i := 0
			for b.Loop() {
				i++
				err := m.Save(b.Context(), func(State) State {
					return state.with(heads[i%n].Ref, func(r *RefState) { r.Retry = time.Unix(int64(i), 0).UTC() })
				})
				if err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(text)), "state-bytes")
		})
	}
}
