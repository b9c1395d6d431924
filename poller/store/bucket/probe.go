package bucket

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Racers is how many writers a probe lets race. Servers that check a condition and write later were seen to let 2 to 32 of 32 win,
// and to do right when they are asked one by one.
const Racers = 16

// Probe proves that a server holds what kitops builds on: that of many who create an object, or replace the same one, at the same
// moment exactly one succeeds. Each racer should have connections of its own. It leaves nothing in the folder; unclean says what
// it could not remove. Who calls bounds it by ctx.
func Probe(ctx context.Context, racers []Objects, folder string) (unclean, err error) {
	p := probe{racers, requests{objects: racers[0], timeout: probeTimeout}}
	if folder != "" {
		folder += "/"
	}
	// Listed first: without the right to list, S3 denies what is not there.
	if _, err := ask(ctx, p.requests, func(ctx context.Context) (Page, error) { return racers[0].List(ctx, folder+probed, "") }); err != nil {
		return nil, fmt.Errorf("list %s: %w", racers[0], err)
	}
	for try := range tries(ctx) {
		name := folder + probed + rand.Text()
		err = p.run(ctx, name)
		unclean = racers[0].Remove(context.WithoutCancel(ctx), name)
		if !draw(err) || try.last {
			break
		}
	}
	if unclean != nil {
		unclean = fmt.Errorf("the probe's object stays below %s/%s%s: %w", racers[0], folder, probed, unclean)
	}
	return unclean, err
}

const (
	probed       = "probe/"
	probeTimeout = 5 * time.Second
)

func draw(err error) bool {
	_, ok := errors.AsType[drawError](err)
	return ok
}

// drawError is a race that nobody is known to have won.
type drawError struct{ err error }

func (e drawError) Error() string {
	return "of the writers of a probe nobody is known to have succeeded: the server is overloaded, or does not answer in time"
}
func (e drawError) Unwrap() error { return e.err }

type probe struct {
	racers   []Objects
	requests requests
}

// run is a race to create the object, and one to replace it.
func (p probe) run(ctx context.Context, name string) error {
	p.each(func(_ int, racer Objects) { // so that the race is not one of connections
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		_, _ = racer.Get(ctx, name)
	})
	created, err := p.race(ctx, name, Condition{Absent: true})
	if err == nil {
		_, err = p.race(ctx, name, Condition{ETag: created.ETag})
	}
	return err
}

// each calls f for all racers at the same time.
func (p probe) each(f func(i int, racer Objects)) {
	var all sync.WaitGroup
	for i, racer := range p.racers {
		all.Go(func() { f(i, racer) })
	}
	all.Wait()
}

// race returns the object as its one winner has put it.
func (p probe) race(ctx context.Context, name string, cond Condition) (Object, error) {
	bodies, errs := make([][]byte, len(p.racers)), make([]error, len(p.racers))
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, "# A probe of kitops, which may be removed: writer %d, %s\n", i, rand.Text())
	}
	p.each(func(i int, racer Objects) {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		_, errs[i] = racer.Put(ctx, name, bodies[i], cond)
	})
	winner, winners, unknown := 0, 0, error(nil)
	for i, err := range errs {
		switch {
		case err == nil:
			winner = i
			winners++
		case is(err, Refused), is(err, Stale), is(err, Skewed):
			return Object{}, err
		case is(err, Unsure):
			unknown = err
		}
	}
	if winners > 1 {
		return Object{}, p.lied(cond, fmt.Sprintf("%d of %d writers of the same object all succeeded", winners, len(errs)))
	}
	found, err := p.requests.get(ctx, name)
	switch {
	case winners == 0 || is(err, Unsure):
		return Object{}, drawError{errors.Join(unknown, err)}
	case err != nil:
		return Object{}, err
	case !bytes.Equal(found.Body, bodies[winner]):
		return Object{}, p.lied(cond, "the bytes that are there are not those of the writer that succeeded")
	case found.ETag == "":
		return Object{}, &Error{Fault: Refused, Problem: fmt.Sprintf("%s says no ETag of what it has", p.racers[0])}
	}
	return found, nil
}

func (p probe) lied(cond Condition, what string) error {
	header := "If-Match"
	if cond.Absent {
		header = "If-None-Match"
	}
	return &Error{Fault: Refused, Problem: fmt.Sprintf("%s does not honour %s: %s; members could not exclude each other on it, so use another server or a newer version of it (versitygw from 1.8.0)", p.racers[0], header, what)}
}
