package lease

import (
	"crypto/rand"
	"slices"
	"sync"
	"time"
)

// Instance is one process among those that share a store. Safe for concurrent use.
type Instance struct {
	Owner Owner
	// Predecessors are the IDs of owners that are known to be gone, whose leases this one
	// takes without waiting for their end.
	Predecessors []string
	Terms        Terms
	// Clock counts on while the machine sleeps, and is set by nobody.
	Clock func() time.Duration
	// Lied is told when the store is found to lie; may be nil. It must not wait for anything.
	Lied func(error)

	mu    sync.Mutex
	holds map[string]*Hold
}

// NewID returns 128 random bits as text.
func NewID() string { return rand.Text() }

// Hold returns what this instance knows of the lease on a document, the same for
// all who ask.
func (i *Instance) Hold(key string) *Hold {
	i.mu.Lock()
	defer i.mu.Unlock()
	h := i.holds[key]
	if h == nil {
		h = &Hold{of: i, key: key, turn: make(chan struct{}, 1)}
		if i.holds == nil {
			i.holds = map[string]*Hold{}
		}
		i.holds[key] = h
	}
	return h
}

// Succeeds tells whether a lease was had by an instance whose place this one has.
func (i *Instance) Succeeds(l Lease) bool { return slices.Contains(i.Predecessors, l.Owner.ID) }

// mayTake tells whether a lease is nobody else's.
func (i *Instance) mayTake(l Lease, now time.Time) bool {
	return l.Ended(now) || l.Owner.ID == i.Owner.ID || i.Succeeds(l)
}
