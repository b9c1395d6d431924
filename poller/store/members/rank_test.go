package members

import (
	"fmt"
	"math"
	"testing"

	"github.com/bittrance/kitops/poller/store/lease"
)

const manyTasks = 10000

func announcing(name string, capacity int) Member {
	m := Member{Owner: lease.Owner{Name: name}, Capacity: capacity, Tasks: map[string]Task{}}
	for i := range manyTasks {
		m.Tasks[taskName(i)] = Task{}
	}
	return m
}

func taskName(i int) string { return fmt.Sprintf("task-%d", i) }

func owners(all []Member) map[string]string {
	first := map[string]string{}
	for i := range manyTasks {
		first[taskName(i)] = Rank(taskName(i), all)[0].Owner.Name
	}
	return first
}

// TestRankIsByCapacity gives each as many tasks as its capacity is of all.
func TestRankIsByCapacity(t *testing.T) {
	t.Parallel()
	all := []Member{announcing("a", 1), announcing("b", 2), announcing("c", 5), announcing("d", 0)}
	shares := map[string]int{}
	for _, name := range owners(all) {
		shares[name]++
	}
	for name, share := range map[string]float64{"a": 1. / 9, "b": 2. / 9, "c": 5. / 9, "d": 1. / 9} {
		if got := float64(shares[name]) / manyTasks; math.Abs(got-share) > 0.02 {
			t.Errorf("%s has %.3f of the tasks, want %.3f", name, got, share)
		}
	}
}

// TestRankMovesOnlyWhatMust when a member goes, comes, or has more capacity.
func TestRankMovesOnlyWhatMust(t *testing.T) {
	t.Parallel()
	all := []Member{announcing("a", 4), announcing("b", 4), announcing("c", 4), announcing("d", 4)}
	before := owners(all)
	for task, name := range owners(all[:3]) {
		if before[task] != name && before[task] != "d" {
			t.Fatalf("%s moves from %s to %s when d goes", task, before[task], name)
		}
	}
	for task, name := range owners(append(all, announcing("e", 4))) {
		if before[task] != name && name != "e" {
			t.Fatalf("%s moves from %s to %s when e comes", task, before[task], name)
		}
	}
	all[1] = announcing("b", 8)
	for task, name := range owners(all) {
		if before[task] != name && name != "b" {
			t.Fatalf("%s moves from %s to %s when b has more capacity", task, before[task], name)
		}
	}
}

// TestOnlyThoseThatAnnounceATaskHaveIt: a task file may be on one host only.
func TestOnlyThoseThatAnnounceATaskHaveIt(t *testing.T) {
	t.Parallel()
	a, b := announcing("a", 1), announcing("b", 1)
	a.Tasks["mine"] = Task{}
	if rank := Rank("mine", []Member{a, b}); len(rank) != 1 || rank[0].Owner.Name != "a" {
		t.Errorf("rank %v", rank)
	}
	if rank := Rank("none", []Member{a, b}); len(rank) != 0 {
		t.Errorf("rank %v", rank)
	}
}

// TestWhoIsBehindIsHelped by the next of the rank, and by two at most.
func TestWhoIsBehindIsHelped(t *testing.T) {
	t.Parallel()
	all := []Member{announcing("a", 1), announcing("b", 1), announcing("c", 1), announcing("d", 1)}
	rank := Rank("task-1", all)
	for behind, want := range []int{1, 2, 3, 3, 3} {
		for i := range all {
			all[i].Behind = nil
			for _, m := range rank[:behind] {
				if m.Owner.Name == all[i].Owner.Name {
					all[i].Behind = []string{"task-1"}
				}
			}
		}
		v := View{Live: all}
		if who := v.Pollers("task-1"); len(who) != want || who[0].Owner.Name != rank[0].Owner.Name {
			t.Errorf("%d behind: %d poll it, want %d", behind, len(who), want)
		}
		if alone := len(v.Alone()) == 1; alone != (behind >= 3) {
			t.Errorf("%d behind: %v have nobody", behind, v.Alone())
		}
	}
}
