package lease

import (
	"context"
	"errors"
	"time"
)

// Acquire takes the lease, or shares it with whoever in this instance has it. The
// error is *[HeldError] where another instance has it. Without a Hold it does
// nothing, and so do the other methods of leases. When ctx ends meanwhile, what
// may have been won is given back.
func (d *Document[S]) Acquire(ctx context.Context) error {
	h := d.Hold
	if h == nil {
		return nil
	}
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if d.share() {
		if _, _, err := h.valid(d.fence); err == nil {
			return nil
		}
		err := d.write(ctx, same[S], d.keep)
		if err == nil {
			return nil
		}
		d.leave()
		var lost *LostError
		if !errors.As(err, &lost) {
			return err
		}
	}
	err := d.write(ctx, same[S], d.take)
	if err == nil {
		d.share()
		_, _, err = h.valid(d.fence) // it may have taken too long
	}
	if err == nil && ctx.Err() == nil {
		return nil
	}
	var held *HeldError
	if !errors.As(err, &held) {
		d.giveBack(context.WithoutCancel(ctx))
	}
	return errors.Join(err, ctx.Err())
}

// Release gives the lease up when nobody in this instance needs it any more. An
// error means that the others wait for its end.
func (d *Document[S]) Release(ctx context.Context) error {
	h := d.Hold
	if h == nil || d.fence == 0 {
		return nil
	}
	h.turn <- struct{}{}
	defer func() { <-h.turn }()
	last := d.leave()
	defer func() { d.fence = 0 }()
	if !last {
		return nil
	}
	err := d.write(context.WithoutCancel(ctx), same[S], d.give)
	var lost *LostError
	if errors.As(err, &lost) {
		return nil // it is another's already
	}
	return err
}

// Keep renews the lease until ctx is done or another instance has it. It tries
// again every second while that fails.
func (d *Document[S]) Keep(ctx context.Context) error {
	for failing := false; ; {
		wait := d.Hold.untilRenewal()
		if failing {
			wait = step
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		if d.Hold.untilRenewal() > 0 {
			failing = false // another save has renewed it
			continue
		}
		limited, cancel := context.WithTimeout(ctx, d.Hold.of.Terms.Timeout)
		err := d.write(limited, same[S], d.keep)
		cancel()
		var lost *LostError
		var lied *LiedError
		if errors.As(err, &lost) || errors.As(err, &lied) {
			return err
		}
		failing = err != nil
	}
}

// Bound returns a context that ends with the lease: by a timer, whatever the store
// does. Its cause is *[LostError] or *[LiedError] then. Told hears each new time
// until which it goes, by the clock of the instance.
func (d *Document[S]) Bound(ctx context.Context, told func(until time.Duration)) (context.Context, context.CancelFunc) {
	if d.Hold == nil {
		return context.WithCancel(ctx)
	}
	return d.Hold.bound(ctx, d.fence, told)
}

// Until is when what the lease allows has to stop, by the clock of the instance. The
// error is that of a lease that allows nothing any more.
func (d *Document[S]) Until() (time.Duration, error) {
	until, _, err := d.Hold.valid(d.fence)
	return until, err
}

// Held tells whether another instance has the lease, by the document as it was loaded.
func (d *Document[S]) Held() error {
	if d.Hold == nil {
		return nil
	}
	if l := *d.Format.Lease(&d.State); !d.Hold.of.mayTake(l, d.now) {
		return &HeldError{l, d.now}
	}
	return nil
}

func same[S any](s S) S { return s }

// take is the lease that follows the loaded one.
func (d *Document[S]) take(l Lease) (Lease, bool, error) {
	in := d.Hold.of
	if !in.mayTake(l, d.now) {
		return l, false, &HeldError{l, d.now}
	}
	return l.take(in.Owner, d.now, in.Terms.TTL, d.Hold.nonce()), false, nil
}

// keep is the loaded lease, renewed.
func (d *Document[S]) keep(l Lease) (Lease, bool, error) {
	if err := d.Hold.check(d.fence); err != nil {
		return l, false, err
	}
	return l.renew(d.now, d.Hold.of.Terms.TTL, d.Hold.nonce()), false, nil
}

// give is the loaded lease, ended.
func (d *Document[S]) give(l Lease) (Lease, bool, error) {
	if err := d.Hold.check(d.fence); err != nil {
		return l, false, err
	}
	return l.release(d.now, d.Hold.nonce()), true, nil
}

// share makes this Document one of those that need the lease, if there is one.
func (d *Document[S]) share() bool {
	d.Hold.mu.Lock()
	defer d.Hold.mu.Unlock()
	if d.Hold.fence == 0 || d.Hold.over != nil {
		return false
	}
	d.fence = d.Hold.fence
	d.Hold.users++
	return true
}

// leave is its counterpart, and tells whether nobody needs the lease any more.
func (d *Document[S]) leave() (last bool) {
	d.Hold.mu.Lock()
	defer d.Hold.mu.Unlock()
	if d.fence != d.Hold.fence || d.Hold.users == 0 {
		return false
	}
	d.Hold.users--
	return d.Hold.users == 0 && d.Hold.over == nil
}

// giveBack ends a lease that an acquisition may have won without an answer.
func (d *Document[S]) giveBack(ctx context.Context) {
	if _, err := d.Load(ctx); err != nil {
		return // it ends by itself
	}
	l := d.Format.Lease(&d.State)
	if l.Owner.ID != d.Hold.of.Owner.ID || l.Ended(d.now) || !d.Hold.hasLanded(l.Nonce) {
		return
	}
	_ = d.write(ctx, same[S], func(l Lease) (Lease, bool, error) { // best effort
		if l.Owner.ID != d.Hold.of.Owner.ID {
			return l, false, &LostError{By: l.Owner}
		}
		return l.release(d.now, d.Hold.nonce()), true, nil
	})
	d.leave()
	d.fence = 0
}
