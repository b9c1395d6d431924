package webhook

import (
	"context"
	"errors"
	"strconv"
	"time"
)

// follow tells of the entries that did not come by the endpoint.
func (l *DeliveryLog) follow(ctx context.Context, found []delivery, date time.Time) {
	var missed []delivery
	for _, d := range found {
		if l.Seen == nil || !l.Seen.Has(d.GUID) {
			missed = append(missed, d)
		}
	}
	if len(missed) == 0 {
		l.pace.quiet++
		return
	}
	l.pace.quiet = 0
	wanted := map[int64]int{} // repository → payloads of it that are too many
	for _, d := range missed {
		if l.wants(d) && d.about() != aWord {
			wanted[d.RepositoryID]++
		}
	}
	for id := range wanted {
		wanted[id] -= fetchEach
	}
	fetches := 0
	for _, d := range missed {
		switch {
		case !l.wants(d):
			continue
		case d.about() == aWord:
			l.hint(d, date.Sub(d.DeliveredAt))
			continue
		}
		wanted[d.RepositoryID]--
		if wanted[d.RepositoryID] >= 0 && d.about() == aRepository || fetches >= maxFetches {
			l.unread(d, date.Sub(d.DeliveredAt))
			continue
		}
		if fetches++; !l.fetch(ctx, d, date.Sub(d.DeliveredAt)) {
			fetches = maxFetches
		}
	}
}

func (l *DeliveryLog) wants(d delivery) bool {
	switch d.about() {
	case aRepository, aClick, aWord:
		return l.Watched(d.RepositoryID, l.addresses[d.RepositoryID])
	case anInstallation:
		return true
	}
	return false
}

// unread is an entry whose payload is not had this time: a click is asked for again.
func (l *DeliveryLog) unread(d delivery, age time.Duration) {
	if d.about() != aClick {
		l.hint(d, age)
	} else if d.tries < maxTries && age <= maxAge && len(l.owed) < maxOwed {
		l.owed = append(l.owed, d)
	}
}

// hint tells what is known without the payload.
func (l *DeliveryLog) hint(d delivery, age time.Duration) {
	if d.RepositoryID == 0 {
		return
	}
	e, n := Event{Name: d.Event, Action: d.Action, GUID: d.GUID}, Nudge{URL: l.addresses[d.RepositoryID], RepositoryID: d.RepositoryID}
	if d.about() == aWord {
		e.Said = &n
	} else {
		e.Nudges = []Nudge{n}
	}
	l.tell(e, age)
}

// fetch tells what the payload says. What is old is no head to look out for. It returns whether more may be fetched.
func (l *DeliveryLog) fetch(ctx context.Context, d delivery, age time.Duration) bool {
	e, err := l.payload(ctx, d)
	if err != nil {
		l.Log.Debug("delivery without its payload", "delivery", d.ID, "err", err)
		d.tries++
		l.unread(d, age)
		_, limited := errors.AsType[*limitedError](err)
		return !limited
	}
	for i := range e.Nudges {
		n := &e.Nudges[i]
		if age > lagGrace+l.Interval {
			n.SHA = ""
		}
		if n.RepositoryID != 0 {
			l.learn(n.RepositoryID, n.URL)
		}
	}
	l.tell(e, age)
	return true
}

// tell hands on what GitHub said so long ago.
func (l *DeliveryLog) tell(e Event, age time.Duration) {
	counter(l.Count).of(e)
	if e.matters() {
		e.At, e.Verified = time.Now().Add(-age), true
		l.Handle(e)
	}
}

func (l *DeliveryLog) payload(ctx context.Context, d delivery) (Event, error) {
	ans, err := l.api.get(ctx, "/app/hook/deliveries/"+strconv.FormatInt(d.ID, 10), nil)
	if err != nil {
		return Event{}, err
	}
	return parseDelivery(ans.body)
}

// learn keeps the address of a repository that the log knows by its id only.
func (l *DeliveryLog) learn(id int64, address string) {
	if len(l.addresses) >= maxAddresses {
		clear(l.addresses)
	}
	l.addresses[id] = address
}
