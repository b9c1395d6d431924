package poller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Talk is a pull request of which people may say something.
type Talk struct {
	Revision        git.Revision
	Waits           bool  // for somebody to approve of it
	Comment, Review int64 // the last ones that were heeded
}

// Word is what somebody has said of a revision of a pull request who may write to its repository.
type Word struct {
	What     string // Approve, Again or Cancel
	Revision git.Revision
	By       Person
	At       time.Time
}

// Person is who gives an order by way of the host of the repository. The zero Person is a user of this machine.
type Person struct {
	ID    int64  `yaml:"id,omitempty"`
	Login string `yaml:"login,omitempty"`

	Comment int64 `yaml:"comment,omitempty"` // that says so, 0 for none
	Review  int64 `yaml:"review,omitempty"`
}

// UnapprovedError says why an approval does not count any more.
type UnapprovedError struct{ Why string }

func (e *UnapprovedError) Error() string { return e.Why }

// talks are the pull requests that wait for an approval, and those that have had a run.
func (w *watch) talks(v verdict, heads []git.Revision) (all []Talk) {
	for _, head := range heads {
		r := v.state.Refs[head.Ref]
		waits := slices.Contains(v.unapproved, head) || slices.Contains(v.crowded, head)
		if !IsPull(head.Ref) || !waits && r.Run == nil {
			continue
		}
		last := v.state.heeded(head.Ref)
		all = append(all, Talk{Revision: head, Waits: waits, Comment: last.Comment, Review: last.Review})
	}
	return all
}

// hearFirst does what people have said of pull requests, and then compares anew.
func (w *watch) hearFirst(ctx context.Context, v verdict, heads []git.Revision) (todo []git.Revision, done bool, err error) {
	if w.hearing {
		return nil, false, nil // what was said is said once
	}
	heeded, err := w.hear(ctx, v, heads)
	if err != nil || !heeded {
		return v.todo, err != nil, err
	}
	w.hearing = true
	defer func() { w.hearing = false }()
	todo, err = w.compare(ctx)
	return todo, true, err
}

// hear does what people have said of pull requests, and tells whether that was anything.
func (w *watch) hear(ctx context.Context, v verdict, heads []git.Revision) (heeded bool, err error) {
	if w.task.Said == nil {
		return false, nil
	}
	words, err := w.task.Said(ctx, w.talks(v, heads))
	if err != nil {
		return false, fmt.Errorf("ask what was said of pull requests: %w", err)
	}
	for _, word := range words {
		rev := word.Revision
		o := Order{What: word.What, Ref: rev.Ref, SHA: rev.SHA, By: word.By.Login, Person: word.By}
		if word.What == Cancel {
			run := v.state.Refs[rev.Ref].Run
			if run == nil || run.Outcome != Pending || word.At.Before(run.Started.Truncate(time.Second)) {
				continue // it was said of another run
			}
			o.Run = run.ID
		}
		_, err := w.p.Order(ctx, w.mem.Key, o)
		var refused *RefusedError
		if w.task.Answer != nil && (err == nil || errors.As(err, &refused)) {
			w.task.Answer(ctx, word.By, err == nil)
		}
		switch {
		case errors.As(err, &refused):
			w.tell(Event{Kind: Noticed, Run: Run{Task: w.task.Name, Revision: rev}, Reason: fmt.Sprintf("%s, wanted by %s: %s", word.What, word.By.Login, refused)})
		case err != nil:
			return heeded, err
		default:
			heeded = true
		}
	}
	return heeded, nil
}

// admitted asks once more, as a stranger's run is about to start, whether who has approved of it may do so. An approval that
// does not count any more is gone.
func (w *watch) admitted(ctx context.Context, rev git.Revision) (bool, error) {
	if !w.strange || w.task.Admit == nil || !w.task.trust(rev).Approve {
		return true, nil
	}
	state, err := w.mem.Load(ctx)
	if err != nil {
		return false, err
	}
	a := state.Refs[rev.Ref].Approved
	if a == nil || a.SHA != rev.SHA {
		return false, nil
	}
	err = w.task.Admit(ctx, rev, a.person())
	var withdrawn *UnapprovedError
	if !errors.As(err, &withdrawn) {
		return err == nil, err
	}
	w.tell(Event{Kind: Noticed, Run: Run{Task: w.task.Name, Revision: rev}, Reason: approvalText(rev) + ": " + withdrawn.Why})
	return false, w.mem.Save(ctx, func(s State) State {
		return s.with(rev.Ref, func(r *RefState) {
			if r.Approved != nil && r.Approved.Since.Equal(a.Since) && r.Approved.SHA == a.SHA {
				r.Approved = nil
			}
			if r.Order != nil && r.Order.SHA == a.SHA {
				r.Order = nil
			}
		})
	})
}

// approvedBy is an approval of a revision.
func approvedBy(o Order, sha string, now time.Time) *approval {
	return &approval{SHA: sha, By: o.By, Since: stampOf(now), Person: o.Person.ID, Via: Person{Comment: o.Person.Comment, Review: o.Person.Review}}
}

// person is who has approved.
func (a *approval) person() Person {
	return Person{ID: a.Person, Login: a.By, Comment: a.Via.Comment, Review: a.Via.Review}
}

// heeded are the last words on a pull request that were orders, whatever came of them: each is one order, whichever instance
// reads it, and none when the pull request was closed meanwhile.
type heeded struct {
	Ref     string `yaml:"ref,omitempty"` // "": all that are not listed any more
	Comment int64  `yaml:"comment,omitempty"`
	Review  int64  `yaml:"review,omitempty"`
}

const mostHeeded = 300

// heeded are those of a ref.
func (s State) heeded(ref string) (last heeded) {
	for _, one := range s.Heeded {
		if one.Ref == ref || one.Ref == "" {
			last = heeded{ref, max(last.Comment, one.Comment), max(last.Review, one.Review)}
		}
	}
	last.Ref = ref
	return last
}

// heed notes the word that an order is, and tells whether it was one before.
func (s State) heed(o Order) (_ State, before bool) {
	last := s.heeded(o.Ref)
	if o.Person.Comment == 0 && o.Person.Review == 0 {
		return s, false
	}
	if o.Person.Comment <= last.Comment && o.Person.Review <= last.Review {
		return s, true
	}
	last.Comment, last.Review = max(last.Comment, o.Person.Comment), max(last.Review, o.Person.Review)
	all := slices.DeleteFunc(slices.Clone(s.Heeded), func(one heeded) bool { return one.Ref == o.Ref })
	if all = append(all, last); len(all) > mostHeeded {
		all[1] = heeded{"", max(all[0].Comment, all[1].Comment), max(all[0].Review, all[1].Review)}
		all = all[1:]
	}
	s.Heeded = all
	return s, false
}
