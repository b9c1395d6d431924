package lease

import (
	"fmt"
	"time"
)

// Lease is what a document says of its owner. The zero Lease was never anybody's.
// Whoever gives one up leaves it in the document, ended: its fence counts on.
type Lease struct {
	Owner   Owner     `yaml:",inline"`
	Since   time.Time `yaml:"since"`   // this and the next by the store's clock
	Expires time.Time `yaml:"expires"` // whoever reads the document then or later may take the lease
	Fence   uint64    `yaml:"fence"`   // one more with each owner
	Nonce   string    `yaml:"nonce"`   // of the owner's last save
}

// Owner is an instance that may own leases.
type Owner struct {
	Name string `yaml:"instance"`
	ID   string `yaml:"owner"` // made anew at each start: two instances of one name are two
	Host string `yaml:"host,omitempty"`
	PID  int    `yaml:"pid,omitempty"`
}

// String names an owner to people.
func (o Owner) String() string {
	if o.Host == "" {
		return o.Name
	}
	return fmt.Sprintf("%s (pid %d on %s)", o.Name, o.PID, o.Host)
}

// Ended tells whether anybody may take the lease. Now is the store's time at the
// reading of the document.
func (l Lease) Ended(now time.Time) bool { return !now.Before(l.Expires) }

// take returns the lease as the next owner has it.
func (l Lease) take(by Owner, now time.Time, ttl time.Duration, nonce string) Lease {
	return Lease{Owner: by, Since: now, Expires: now.Add(ttl), Fence: l.Fence + 1, Nonce: nonce}
}

// renew returns the lease as its owner saves it.
func (l Lease) renew(now time.Time, ttl time.Duration, nonce string) Lease {
	l.Expires, l.Nonce = now.Add(ttl), nonce
	return l
}

// release returns the lease as its owner leaves it to the next.
func (l Lease) release(now time.Time, nonce string) Lease {
	l.Expires, l.Nonce = now, nonce
	return l
}

// HeldError says that a lease is another instance's, and until when.
type HeldError struct {
	Lease Lease
	Now   time.Time // the store's, when the lease was read
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("%s; free at %s, unless it is renewed", e.Reason(), moment(e.Lease.Expires))
}

// Reason is the error without what changes while the lease is renewed.
func (e *HeldError) Reason() string {
	return fmt.Sprintf("runs on %s since %s", e.Lease.Owner, moment(e.Lease.Since))
}

// Left is how long the lease lasts unless it is renewed.
func (e *HeldError) Left() time.Duration { return e.Lease.Expires.Sub(e.Now) }

// LostError ends what a lease allowed.
type LostError struct {
	By Owner // who has it now; no name: nobody who is known
}

func (e *LostError) Error() string {
	if e.By.Name == "" {
		return "the lease could not be renewed in time, since the store does not answer"
	}
	return fmt.Sprintf("the lease was lost to %s", e.By)
}

// LiedError says that a store does not keep what it has acknowledged, so that no
// lease on it is worth anything.
type LiedError struct{ Key, Problem string }

func (e *LiedError) Error() string {
	return fmt.Sprintf("the store lied: %s: %s; it honours no conditions, or somebody has changed or removed the document by hand", e.Key, e.Problem)
}

func moment(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }
