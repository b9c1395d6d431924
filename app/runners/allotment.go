package runners

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// allotment says which member's runner a job is for. Runners are not bound to jobs: it is about how many each member has.
type allotment struct {
	own  string // this member: the others hear of it later
	live map[string]Registered
	all  map[string]Registered // with those of members that are gone
}

// capacity is how many jobs GitHub may assign together. Those that run where nothing is started any more do not count.
func (a allotment) capacity(jobs []Job) (room int) {
	for _, m := range a.live {
		room += m.Capacity
	}
	if room == 0 {
		return 0 // those that are assigned stay
	}
	for _, j := range jobs {
		if j.Started && a.live[j.Member].Capacity == 0 {
			room++
		}
	}
	return room
}

// share gives jobs that nobody has to members with room, by how full each is, and tells how many runners each shall have.
// Extra are runners for jobs of which no message told.
func (a allotment) share(jobs []Job, extra int) (allotted []Job, shares map[string]int) {
	allotted, shares = slices.Clone(jobs), map[string]int{}
	for _, j := range allotted {
		if _, lives := a.live[j.Member]; j.Started && lives {
			shares[j.Member]++
		}
	}
	for i := range allotted {
		j := &allotted[i]
		switch {
		case j.Started:
		case j.Member != "" && shares[j.Member] < a.live[j.Member].Capacity:
			shares[j.Member]++
		default:
			j.Member = ""
		}
	}
	for i := range allotted {
		if j := &allotted[i]; j.Member == "" && !j.Started {
			if j.Member = a.emptiest(shares); j.Member != "" {
				shares[j.Member]++
			}
		}
	}
	for range extra {
		if name := a.emptiest(shares); name != "" {
			shares[name]++
		}
	}
	return allotted, shares
}

// emptiest is the member that has the least of what it can have, "" when all are full.
func (a allotment) emptiest(shares map[string]int) string {
	names := slices.DeleteFunc(slices.Collect(maps.Keys(a.live)), func(name string) bool { return shares[name] >= a.live[name].Capacity })
	if len(names) == 0 {
		return ""
	}
	return slices.MinFunc(names, func(x, y string) int {
		own := 0
		switch a.own {
		case x:
			own = -1
		case y:
			own = 1
		}
		return cmp.Or(cmp.Compare(shares[x]*a.live[y].Capacity, shares[y]*a.live[x].Capacity), own, strings.Compare(x, y))
	})
}

// owner is whose a runner is, "" for nobody's who is known.
func (a allotment) owner(runner string) string {
	for name, m := range a.all {
		if m.Prefix != "" && strings.HasPrefix(runner, m.Prefix+"-") {
			return name
		}
	}
	return ""
}

// registered tells whether a member says that a runner is registered.
func (a allotment) registered(runner string) bool {
	for _, m := range a.all {
		if slices.ContainsFunc(m.Runners, func(r Runner) bool { return r.Name == runner && !r.Removed }) {
			return true
		}
	}
	return false
}

// started notes that a runner has a job, which may have been for another member: they change then.
func (a allotment) started(jobs []Job, id int64, runner string) {
	i := slices.IndexFunc(jobs, func(j Job) bool { return j.ID == id })
	if i < 0 {
		return
	}
	by, before := a.owner(runner), jobs[i].Member
	if by == before || by == "" {
		return
	}
	jobs[i].Member = by
	other := slices.IndexFunc(jobs, func(j Job) bool { return !j.Started && j.Member == by })
	if other >= 0 {
		jobs[other].Member = before
	}
}
