package lease

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"time"
)

// remembered is how many saves back a nonce is known.
const remembered = 16

// step is how long a timer may sleep, since none of Go's counts on while the machine sleeps.
const step = time.Second

// Hold is what an instance knows of the lease on one document: whether it has it,
// until when, and what it has saved. Safe for concurrent use.
type Hold struct {
	of   *Instance
	key  string
	turn chan struct{} // held by who takes the lease or gives it up

	mu      sync.Mutex
	fence   uint64        // of the last lease that this instance is known to have had
	users   int           // of it
	over    error         // why it is not had any more, nil while it is
	until   time.Duration // by the clock: when to stop what it allows
	highest uint64        // fence that was read
	sends   int           // of documents
	nonces  map[string]save
	last    int           // that is known to have been done, by its order
	pruned  int           // saves up to this one are not known any more
	changed chan struct{} // closed when until or over have changed; may be nil
}

// save is one that was sent.
type save struct {
	order int // from 1
	done  bool
}

// glance is what was known before a document was read.
type glance struct {
	mark    time.Duration
	last    int
	highest uint64
}

func (h *Hold) look() glance {
	mark := h.of.Clock()
	h.mu.Lock()
	defer h.mu.Unlock()
	return glance{mark, h.last, h.highest}
}

// saw compares the lease that a document shows with what was known before it was
// asked for. The error is *[LiedError].
func (h *Hold) saw(l Lease, before glance) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	found, known := h.nonces[l.Nonce]
	problem := ""
	switch {
	case l.Fence < before.highest:
		problem = fmt.Sprintf("the fence went back from %d to %d", before.highest, l.Fence)
	case l.Fence == 0 || l.Fence != h.fence:
	case l.Owner.ID != h.of.Owner.ID:
		problem = fmt.Sprintf("fence %d is this instance's, and the document names %s", l.Fence, l.Owner)
	case !known && h.pruned > 0 && before.last <= h.pruned: // it took long, and may show what is not known any more
	case !known:
		problem = fmt.Sprintf("fence %d is this instance's, and it never saved what the document shows", l.Fence)
	case found.order < before.last:
		problem = fmt.Sprintf("at fence %d an acknowledged save is gone", l.Fence)
	}
	if problem != "" {
		err := &LiedError{h.key, problem}
		h.end(err)
		if h.of.Lied != nil {
			h.of.Lied(err)
		}
		return err
	}
	h.highest = max(h.highest, l.Fence)
	if known {
		h.note(l.Nonce)
	}
	if l.Fence > h.fence && l.Owner.ID != h.of.Owner.ID {
		h.end(&LostError{By: l.Owner})
	}
	return nil
}

// end says that what the lease allows is over. The caller has the lock.
func (h *Hold) end(err error) {
	if h.over == nil {
		h.over = err
		h.wake()
	}
}

func (h *Hold) wake() {
	if h.changed != nil {
		close(h.changed)
		h.changed = nil
	}
}

// nonce makes one for a save, and knows it from then on.
func (h *Hold) nonce() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.nonces == nil {
		h.nonces = map[string]save{}
	}
	h.sends++
	nonce := rand.Text()
	h.nonces[nonce] = save{order: h.sends}
	return nonce
}

// note says that a save was done. The caller has the lock.
func (h *Hold) note(nonce string) {
	n := h.nonces[nonce].order
	h.nonces[nonce] = save{n, true}
	h.last = max(h.last, n)
	if h.last < h.pruned+2*remembered {
		return
	}
	h.pruned = h.last - remembered
	for old, s := range h.nonces {
		if s.order <= h.pruned {
			delete(h.nonces, old)
		}
	}
}

func (h *Hold) hasLanded(nonce string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nonces[nonce].done
}

// saved says that the store has a lease of this instance, whose end was counted
// from the mark on.
func (h *Hold) saved(l Lease, mark time.Duration, ended bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.note(l.Nonce)
	h.highest = max(h.highest, l.Fence)
	if l.Fence > h.fence {
		h.fence, h.users, h.over, h.until = l.Fence, 0, nil, 0
	}
	if ended {
		h.end(&LostError{By: h.of.Owner})
		return
	}
	h.until = max(h.until, mark+h.of.Terms.TTL-h.of.Terms.Margin())
	h.wake()
}

// check tells why a lease is not this instance's any more, nil if it is. An end
// that only the clock says leaves it to the store who has it.
func (h *Hold) check(fence uint64) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if fence == 0 || fence != h.fence {
		return &LostError{By: h.of.Owner}
	}
	return h.over
}

// valid tells until when the lease allows anything, by the clock, and how long that
// is from now. The error says why it does not.
func (h *Hold) valid(fence uint64) (until, left time.Duration, err error) {
	if err := h.check(fence); err != nil {
		return 0, 0, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	left = h.until - h.of.Clock()
	if left <= 0 {
		return h.until, 0, &LostError{}
	}
	return h.until, left, nil
}

// untilRenewal is how long nothing has to be saved to keep the lease.
func (h *Hold) untilRenewal() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	t := h.of.Terms
	return h.until - h.of.Clock() - (t.TTL - t.Margin() - t.renewal())
}

// whenChanged is closed when the lease is renewed or over.
func (h *Hold) whenChanged() <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.changed == nil {
		h.changed = make(chan struct{})
	}
	return h.changed
}

// bound returns a context that ends with the lease, by a timer and whatever the
// store does; its cause is the error. Told hears each new end, by the clock.
func (h *Hold) bound(ctx context.Context, fence uint64, told func(until time.Duration)) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for last := time.Duration(0); ; {
			changed := h.whenChanged()
			until, left, err := h.valid(fence)
			if err != nil {
				cancel(err)
				return
			}
			if until != last {
				last = until
				told(until)
			}
			timer := time.NewTimer(min(left, step))
			select {
			case <-ctx.Done():
			case <-changed:
			case <-timer.C:
			}
			timer.Stop()
			if ctx.Err() != nil {
				return
			}
		}
	}()
	return ctx, func() { cancel(context.Canceled); <-done }
}
