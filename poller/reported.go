package poller

import (
	"context"
	"crypto/rand"
	"maps"
	"slices"
	"strings"
)

// Reported is how the last run of a ref was reported, by what its Reporter has noted.
type Reported struct {
	Task, URL string
	Run       Run
	As, Note  string
	Head      string // of the ref, as the latest poll found it; "": not known
	Ordered   bool   // it will run again
}

// ReportedOn lists what was reported in a form other than the usual one on a commit of a repository, as the host calls it.
func (p *Poller) ReportedOn(ctx context.Context, identity, sha string) ([]Reported, error) {
	states, _, err := p.recallAll(ctx) // of a document that does not read nothing is known
	if err != nil {
		return nil, err
	}
	var all []Reported
	for _, task := range slices.Sorted(maps.Keys(states)) {
		s := states[task]
		if s.Identity != identity || identity == "" {
			continue
		}
		now, _ := p.Snapshot(task)
		for _, ref := range slices.Sorted(maps.Keys(s.Refs)) {
			r := s.Refs[ref]
			if r.ReportAs == "" || r.Run == nil || r.Run.Revision.SHA != sha {
				continue
			}
			one := Reported{Task: task, URL: s.URL, Run: *r.Run, As: r.ReportAs, Note: r.Notes[s.ReportTo], Head: now.Heads[ref], Ordered: r.Order != nil}
			one.Run.Task = task
			all = append(all, one)
		}
	}
	return all, nil
}

// ReportAnew has the last run of a ref reported once more as it was, with a remark. Ctx is the agent's.
func (p *Poller) ReportAnew(ctx context.Context, known Reported, remark string) error {
	p.mu.Lock()
	w := p.watches[known.Task]
	each := w != nil && w.current().Each
	p.mu.Unlock()
	if w == nil {
		return noTask(known.Task)
	}
	mem := w.p.memoryOf(known.Task, each)
	err := p.owning(ctx, &mem, func(ctx context.Context) error {
		return mem.Save(ctx, func(s State) State {
			r := s.Refs[known.Run.Revision.Ref]
			if r.Run == nil || r.Run.ID != known.Run.ID || r.unfinished() {
				return s // something else was reported since
			}
			return s.reporting(Report{
				Run: *r.Run, URL: s.URL, To: s.ReportTo, As: r.ReportAs, Repeats: strings.ToLower(rand.Text()[:10]), Remark: remark,
			})
		})
	})
	w.outbox.kick(ctx, &mem)
	return unlessHeld(err)
}
