package lease

import (
	"fmt"
	"time"
)

// The parts of the margin, and how long a lease lasts unless somebody says otherwise.
const (
	TTL     = time.Minute
	Timeout = 5 * time.Second // of one request to the store
	Slack   = 2 * time.Second // what clocks, whole seconds and a busy host take
)

// Terms say how long leases last, and what their owners leave of that time.
type Terms struct {
	TTL     time.Duration // from the store's time of a save to the end of the lease
	Grace   time.Duration // what may pass between the loss of a lease and the end of what it allowed
	Timeout time.Duration // of one request
	Slack   time.Duration
}

// NewTerms refuses a ttl below three margins, in which no outage could be borne.
func NewTerms(ttl, grace time.Duration) (Terms, error) {
	t := Terms{TTL: ttl, Grace: grace, Timeout: Timeout, Slack: Slack}
	if least := 3 * t.Margin(); ttl < least {
		return t, fmt.Errorf("%s is too short: at least %s, three times the margin of %s, which is %s for actions to end, %s for a request to the store and %s for clocks",
			ttl, least, t.Margin(), t.Grace, t.Timeout, t.Slack)
	}
	return t, nil
}

// ShortTerms are as short as tests want them, and those of 8 s and more leave an eighth for a request. They are unsafe: on a busy host an
// action may outlive its lease.
func ShortTerms(ttl time.Duration) (Terms, error) {
	t := Terms{TTL: ttl, Grace: time.Second, Timeout: max(time.Second, ttl/8), Slack: time.Second}
	if least := t.Margin() + t.renewal() + t.Timeout; ttl < least {
		return t, fmt.Errorf("%s is too short: even a test needs the margin of %s, a fourth between renewals and %s for one", ttl, t.Margin(), t.Timeout)
	}
	return t, nil
}

// Margin is the time before the end of a lease at which its owner gives it up.
func (t Terms) Margin() time.Duration { return t.Grace + t.Timeout + t.Slack }

// Outage is how long the store may be gone without an owner losing its lease.
func (t Terms) Outage() time.Duration { return t.TTL - t.Margin() - t.renewal() - t.Timeout }

// renewal is the time between two saves of an owner that has nothing to save.
func (t Terms) renewal() time.Duration { return t.TTL / 4 }
