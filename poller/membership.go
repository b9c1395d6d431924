package poller

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/store/members"
)

// Membership tells who shares the store: nobody, where the state is this agent's alone.
func (p *Poller) Membership(ctx context.Context) (Membership, error) {
	if p.Members == nil {
		return Membership{Members: []MemberStanding{}, Unpolled: []string{}, Disputed: []Dispute{}}, nil
	}
	all, err := p.recallAll(ctx) // who watches what does not read says so
	if err != nil {
		return Membership{}, err
	}
	view := p.Members.View()
	return MembershipOf(view, all, func(task string) map[string]State { return p.fleetStates(task, view) }), nil
}

// MembershipOf is Membership by what a store has. Fleet gives the memories that members have of a
// task for themselves; nil: they are not known.
func MembershipOf(v members.View, all map[string]State, fleet func(task string) map[string]State) Membership {
	running := map[string]int{}
	for _, s := range all {
		for _, r := range s.Refs {
			if r.unfinished() && !s.Lease.Ended(v.Now) {
				running[s.Lease.Owner.ID]++
			}
		}
	}
	each := map[string][]FleetStanding{}
	polls := map[string]int{}
	tasks := map[string]members.Task{}
	for _, m := range v.Live {
		maps.Copy(tasks, m.Tasks)
	}
	for _, task := range slices.Sorted(maps.Keys(tasks)) {
		if who := v.Pollers(task); len(who) > 0 && !tasks[task].Each {
			polls[who[0].Owner.ID]++
			continue
		}
		if fleet == nil {
			continue
		}
		for name, s := range fleet(task) {
			each[name] = append(each[name], s.standings(task)...)
		}
	}
	m := Membership{Members: []MemberStanding{}, Unpolled: append([]string{}, v.Alone()...), Disputed: []Dispute{}}
	for _, one := range v.Recent() {
		labels := one.Labels
		if labels == nil {
			labels = map[string]string{}
		}
		m.Members = append(m.Members, MemberStanding{
			Name: one.Owner.Name, Host: one.Owner.Host, PID: one.Owner.PID, Since: one.Since.UTC(), Seen: one.Seen.UTC(),
			Capacity: one.Capacity, Labels: labels, Running: running[one.Owner.ID], Polls: polls[one.Owner.ID],
			Behind: append([]string{}, one.Behind...), Each: append([]FleetStanding{}, each[one.Owner.Name]...),
		})
	}
	disputed := v.Disputed()
	for _, task := range slices.Sorted(maps.Keys(disputed)) {
		d := Dispute{Task: task}
		for _, names := range disputed[task] {
			slices.Sort(names)
			d.Definitions = append(d.Definitions, names)
		}
		slices.SortFunc(d.Definitions, func(a, b []string) int { return strings.Compare(a[0], b[0]) })
		m.Disputed = append(m.Disputed, d)
	}
	return m
}

// standings are what one instance has of a task that each runs for itself.
func (s State) standings(task string) []FleetStanding {
	var all []FleetStanding
	for _, ref := range slices.Sorted(maps.Keys(s.Refs)) {
		f := FleetStanding{Task: task, Ref: ref, Applied: s.Refs[ref].Applied}
		if run := s.Refs[ref].Run; run != nil {
			f.Outcome = run.Outcome.Word()
		}
		all = append(all, f)
	}
	return all
}
