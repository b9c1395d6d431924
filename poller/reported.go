package poller

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/bittrance/kitops/poller/git"
)

// Reported is how the last run of a ref was reported, or that its next one waits, by what the Reporter has noted.
type Reported struct {
	Task, URL string
	Run       Run
	As, Note  string
	Head      string // of the ref, as the latest poll found it; "": not known
	To        string // where
	Ordered   bool   // it will run again
}

// ReportedOn lists what was reported in a form other than the usual one on a commit of a repository, as the host calls it; and
// without a Run the tasks that report so, and not on that commit any more.
func (p *Poller) ReportedOn(ctx context.Context, identity, sha string) (on, beside []Reported, err error) {
	states, err := p.recallAll(ctx) // of a document that does not read nothing is known
	if err != nil {
		return nil, nil, err
	}
	for _, task := range slices.Sorted(maps.Keys(states)) {
		s := states[task]
		if s.Identity != identity || identity == "" {
			continue
		}
		now, _ := p.Snapshot(task)
		before, as := len(on), ""
		for _, ref := range slices.Sorted(maps.Keys(s.Queue)) {
			if q := s.Queue[ref]; q.As != "" && q.To != "" && q.Run.Revision.SHA == sha {
				q.Run.Task = task
				on = append(on, Reported{Task: task, URL: s.URL, Run: q.Run, As: q.As, Note: q.Note, To: q.To, Head: now.Heads[ref]})
			}
		}
		for _, ref := range slices.Sorted(maps.Keys(s.Refs)) {
			r := s.Refs[ref]
			as = cmp.Or(as, r.ReportAs)
			if r.ReportAs == "" || r.Run == nil || r.Run.Revision.SHA != sha {
				continue
			}
			one := Reported{Task: task, URL: s.URL, Run: *r.Run, As: r.ReportAs, Note: r.Notes[s.ReportTo], To: s.ReportTo, Head: now.Heads[ref], Ordered: r.Order != nil}
			one.Run.Task = task
			on = append(on, one)
		}
		if len(on) == before && as != "" && s.ReportTo != "" {
			beside = append(beside, Reported{Task: task, URL: s.URL, As: as, To: s.ReportTo, Run: Run{Task: task, Revision: git.Revision{SHA: sha}}})
		}
	}
	return on, beside, nil
}

// ReportAnew has the last run of a ref, or the one that waits, reported once more as it was, with a remark. Known may also
// have no more than a Task, a commit, To, As and the Note of something that the Reporter knows by itself. Ctx is the agent's. The
// error is a *[lease.HeldError] while another instance runs the task.
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
		return mem.Save(ctx, func(s State) State { return s.reportAnew(known, remark) })
	})
	w.outbox.kick(ctx, &mem)
	return err
}

func (s State) reportAnew(known Reported, remark string) State {
	anew := Report{Run: known.Run, URL: s.URL, To: known.To, As: known.As, Remark: remark, Of: known.Note}
	ref := known.Run.Revision.Ref
	switch q, r := s.Queue[ref], s.Refs[ref]; {
	case known.Run.ID == "":
		anew.Run.ID, anew.Noted = "again-"+known.Run.Revision.SHA, new(string)
	case q.Run.ID == known.Run.ID && q.To == known.To:
		anew.Run, anew.Of = q.Run, ""
	case r.Run == nil || r.Run.ID != known.Run.ID || r.unfinished():
		return s // something else was reported since
	default:
		anew.Run, anew.Of = *r.Run, r.Notes[known.To]
	}
	digest := sha256.Sum256([]byte(known.Note)) // who is asked twice tells it once
	anew.Repeats = hex.EncodeToString(digest[:5])
	return s.reporting(anew)
}
