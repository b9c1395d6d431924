package webhook

import (
	"errors"
	"io"
	"time"
)

// take acts on one message of the channel, of which anybody may be the author.
func (r *Relay) take(data string) {
	m, err := parseMessage(data)
	if err != nil {
		r.drop(err)
		return
	}
	body, verified := m.verified(r.Secrets)
	switch {
	case verified:
		r.accept(m, body)
	case r.Unverified:
		r.guess(m)
	case r.Secrets == nil:
		r.drop(errors.New("its signature cannot be checked without a webhook secret"))
	default:
		r.drop(errors.New("its signature is missing or wrong"))
	}
}

func (r *Relay) accept(m message, body []byte) {
	event, err := Parse(m.Event, body)
	if err != nil {
		r.drop(err)
		return
	}
	event.GUID, event.At, event.Verified = m.GUID, time.Now(), true
	if r.Seen != nil {
		r.Seen.Add(m.GUID)
	}
	counter(r.Count).of(event)
	if event.matters() {
		r.Handle(event)
	}
}

// guess lets an unverified message cause looks and nothing else, a few at a time whatever it is about.
func (r *Relay) guess(m message) {
	bodies := m.bodies()
	event, err := Parse(m.Event, bodies[0])
	if err != nil {
		r.drop(err)
		return
	}
	if len(event.Nudges) == 0 {
		counter(r.Count).note(Ignored)
		return
	}
	if !r.limit.Allow() {
		r.drop(errors.New("too many whose signature cannot be checked"))
		return
	}
	for i := range event.Nudges {
		event.Nudges[i].SHA = "" // nobody is to be looked out for on a stranger's word
	}
	counter(r.Count).note(Unverified)
	event.Installation, event.Repository, event.At = nil, nil, time.Now()
	r.Handle(event)
}

// drop counts: strangers do not get a line in the log for each message.
func (r *Relay) drop(why error) {
	counter(r.Count).note(Refused)
	if n := r.dropped.note(); n > 0 {
		r.Log.Warn("relayed webhook dropped", "relay", r.Name(), "reason", why, "count", n)
	}
}

// alive tells of each sign of life of the other side.
type alive struct {
	io.Reader
	sign func()
}

func (a *alive) Read(p []byte) (int, error) {
	n, err := a.Reader.Read(p)
	if n > 0 {
		a.sign()
	}
	return n, err
}
