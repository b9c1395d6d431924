package runners

import (
	"fmt"
	"maps"
	"testing"
)

func crewOf(capacity map[string]int) allotment {
	a := allotment{own: "a", live: map[string]Registered{}, all: map[string]Registered{}}
	for name, n := range capacity {
		m := Registered{Prefix: "kitops-" + name, Capacity: n, Runners: []Runner{{Name: "kitops-" + name + "-1"}, {Name: "kitops-" + name + "-2", Removed: true}}}
		a.live[name], a.all[name] = m, m
	}
	return a
}

// TestAllotment: jobs go to the emptiest, stay where they are, and leave who cannot have them.
func TestAllotment(t *testing.T) {
	t.Parallel()
	waiting := func(members ...string) (jobs []Job) {
		for i, name := range members {
			jobs = append(jobs, Job{ID: int64(i + 1), Member: name})
		}
		return jobs
	}
	running := func(jobs []Job) []Job {
		for i := range jobs {
			jobs[i].Started = true
		}
		return jobs
	}
	for name, test := range map[string]struct {
		capacity map[string]int
		jobs     []Job
		extra    int
		want     map[string]int
	}{
		"by what each can have":      {map[string]int{"a": 2, "b": 4}, waiting("", "", "", "", "", ""), 0, map[string]int{"a": 2, "b": 4}},
		"own first":                  {map[string]int{"a": 2, "b": 2}, waiting(""), 0, map[string]int{"a": 1}},
		"those that wait stay":       {map[string]int{"a": 2, "b": 2}, waiting("b", "b", ""), 0, map[string]int{"a": 1, "b": 2}},
		"not beyond what there is":   {map[string]int{"a": 1, "b": 1}, waiting("", "", ""), 0, map[string]int{"a": 1, "b": 1}},
		"from who can have none":     {map[string]int{"a": 2, "b": 0}, waiting("b", "b"), 0, map[string]int{"a": 2}},
		"from who is gone":           {map[string]int{"a": 2}, waiting("c"), 0, map[string]int{"a": 1}},
		"what runs is not moved":     {map[string]int{"a": 2, "b": 0}, running(waiting("b")), 0, map[string]int{"b": 1}},
		"what runs on the dead":      {map[string]int{"a": 2}, running(waiting("c")), 0, map[string]int{}},
		"for jobs that nobody named": {map[string]int{"a": 2, "b": 2}, waiting("a"), 2, map[string]int{"a": 2, "b": 1}},
	} {
		a := crewOf(test.capacity)
		jobs, shares := a.share(test.jobs, test.extra)
		if !maps.Equal(shares, test.want) {
			t.Errorf("%s: %v, not %v", name, shares, test.want)
		}
		again, same := a.share(jobs, test.extra)
		if !maps.Equal(same, shares) || fmt.Sprint(again) != fmt.Sprint(jobs) {
			t.Errorf("%s: not the same again: %v", name, same)
		}
	}
	a := crewOf(map[string]int{"a": 2, "b": 0})
	if got := a.capacity(running(waiting("b", "c", "a"))); got != 4 {
		t.Errorf("capacity %d: of a, and two jobs that run elsewhere", got)
	}
	if got := crewOf(map[string]int{"b": 0}).capacity(running(waiting("b"))); got != 0 {
		t.Errorf("capacity %d of nobody", got)
	}
}

// TestRunnersChangeJobs: GitHub gives a job to whichever runner is there; who had it gets the other's.
func TestRunnersChangeJobs(t *testing.T) {
	t.Parallel()
	a := crewOf(map[string]int{"a": 2, "b": 2})
	jobs := []Job{{ID: 1, Member: "a", Started: true}, {ID: 2, Member: "b"}, {ID: 3, Member: "a"}}
	a.started(jobs, 1, "kitops-b-1")
	if jobs[0].Member != "b" || jobs[1].Member != "a" || jobs[2].Member != "a" {
		t.Errorf("%+v", jobs)
	}
	a.started(jobs, 1, "kitops-unknown-1")
	a.started(jobs, 9, "kitops-a-1")
	if jobs[0].Member != "b" {
		t.Errorf("%+v", jobs)
	}
	if !a.registered("kitops-a-1") || a.registered("kitops-a-2") || a.registered("kitops-a-3") {
		t.Error("which are registered")
	}
}
