package poller

import (
	"time"

	"github.com/bittrance/kitops/poller/git"
)

// Hold is what somebody has a task or a ref stay at.
type Hold struct {
	By     string    `yaml:"by" json:"by"`
	Since  time.Time `yaml:"since" json:"since"`
	Until  time.Time `yaml:"until,omitempty" json:"until,omitzero"` // zero: until it is taken back
	Reason string    `yaml:"reason,omitempty" json:"reason"`
	SHA    string    `yaml:"sha,omitempty" json:"sha,omitempty"` // of a ref
	Back   bool      `yaml:"rollback,omitempty" json:"-"`        // only until another head appears
	From   string    `yaml:"from,omitempty" json:"-"`            // the head that was rolled back from
	Anyway bool      `yaml:"anyway,omitempty" json:"-"`          // also outside of the windows
}

// stands tells whether there is a hold that has not run out.
func (h *Hold) stands(now time.Time) bool {
	return h != nil && (h.Until.IsZero() || now.Before(h.Until))
}

// text is the hold in words, after what it is: "paused".
func (h *Hold) text(what string, now time.Time) string {
	what += " by " + h.By
	if !h.Until.IsZero() {
		what += " until " + near(h.Until, now)
	}
	if h.Reason != "" {
		what += ": " + h.Reason
	}
	return what
}

// hold keeps what a paused task would run, and lets go what has run out.
func (v *verdict) hold(now time.Time) {
	switch p := v.state.Paused; {
	case p == nil:
	case !p.stands(now):
		v.state.Paused, v.changed = nil, true
	default:
		todo := v.todo
		v.todo = nil
		for _, rev := range todo {
			if o := v.state.Refs[rev.Ref].Order; o != nil && o.Anyway {
				v.todo = append(v.todo, rev)
			} else {
				v.held = append(v.held, rev)
			}
		}
	}
}

// holds tells whether a run that was about to start must not start any more.
func (s State) holds(rev git.Revision, now time.Time) bool {
	o := s.Refs[rev.Ref].Order
	return s.Paused.stands(now) && (o == nil || !o.Anyway)
}
