package notify

import (
	"cmp"
	"slices"
	"time"

	"github.com/bittrance/kitops/app"
)

// Delivery is how messages to a target have fared since the agent started. It names no secret.
type Delivery struct {
	To        string    `json:"to"`      // the service and its host
	Sent      uint64    `json:"sent"`    // messages that it took
	Refused   uint64    `json:"refused"` // for good
	Failed    uint64    `json:"failed"`  // tries that are repeated
	Succeeded time.Time `json:"last_success,omitzero"`
	Erred     time.Time `json:"last_error,omitzero"`
	Error     string    `json:"error,omitempty"` // the last one
}

// Failing tells whether the last message did not arrive.
func (d Delivery) Failing() bool { return d.Erred.After(d.Succeeded) }

// Deliveries are those of the targets that have been told anything, by their names.
func (s *Sender) Deliveries() []Delivery {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make([]Delivery, 0, len(s.deliveries))
	for _, d := range s.deliveries {
		all = append(all, *d)
	}
	slices.SortFunc(all, func(a, b Delivery) int { return cmp.Compare(a.To, b.To) })
	return all
}

// book notes what has become of a message.
func (s *Sender) book(t Target, err error, refused bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.deliveries == nil {
		s.deliveries = map[string]*Delivery{}
	}
	d := s.deliveries[t.To()]
	if d == nil {
		d = &Delivery{To: t.String()}
		s.deliveries[t.To()] = d
	}
	now := time.Now().UTC()
	switch {
	case err == nil:
		d.Sent, d.Succeeded = d.Sent+1, now
		return
	case refused:
		d.Refused++
	default:
		d.Failed++
	}
	d.Erred, d.Error = now, app.Redact(err.Error())
}
