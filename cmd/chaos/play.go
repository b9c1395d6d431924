//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"syscall"
	"time"
)

// happening is something at its time.
type happening struct {
	at   time.Duration // since the beginning
	what string
}

// schedule is when what happens, the same for the same seed.
func (p plan) schedule(random *rand.Rand) (all []happening) {
	for what, n := range map[string]int{"push": p.commits, "kill": p.kills, "stop": p.stops, "end": p.ends, "outage": p.outages} {
		for range n {
			all = append(all, happening{what: what})
		}
	}
	slices.SortFunc(all, func(a, b happening) int { return len(a.what)*256 + int(a.what[0]) - len(b.what)*256 - int(b.what[0]) })
	for i := range all {
		all[i].at = time.Duration(random.Int64N(int64(p.length)))
	}
	slices.SortStableFunc(all, func(a, b happening) int { return int(a.at - b.at) })
	return all
}

// play has everything happen, then waits until all is well.
func (w *world) play(ctx context.Context) error {
	random := rand.New(rand.NewPCG(w.plan.seed, 0)) //nolint:gosec // no secret
	schedule := w.plan.schedule(random)
	for _, m := range w.members {
		if err := m.start(); err != nil {
			return err
		}
		if err := m.awaitReady(ctx); err != nil {
			return err
		}
	}
	patience := 8*w.plan.ttl + time.Minute // the actions of three branches, one after the other
	if err := w.await(ctx, "the first runs", patience); err != nil {
		return err
	}
	w.say("all branches have run: now things fail")
	begun := time.Now()
	var all sync.WaitGroup
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, h := range schedule {
		if !pause(ctx, h.at-time.Since(begun)) {
			break
		}
		seed := random.Uint64()
		all.Go(func() {
			if err := w.happen(ctx, h.what, rand.New(rand.NewPCG(seed, 0))); err != nil { //nolint:gosec // no secret
				cancel(err)
			}
		})
	}
	all.Wait()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w.say("nothing fails any more")
	if err := w.await(ctx, "all to be well", patience); err != nil {
		return err
	}
	w.say("all heads have been applied and told of")
	return w.stop(ctx)
}

// happen does one thing, to its end.
func (w *world) happen(ctx context.Context, what string, random *rand.Rand) error {
	switch what {
	case "push":
		w.push(random.IntN(w.plan.tasks), refs()[random.IntN(len(refs()))])
		return nil
	case "outage":
		w.outage(ctx, random)
		return nil
	}
	m, pid := w.victim(ctx, random)
	if m == nil {
		return nil
	}
	defer m.release()
	f := fault{at: now(), agent: pid, member: m.name, what: what}
	switch what {
	case "stop":
		length := time.Duration(random.Int64N(int64(3 * w.plan.ttl)))
		f.until = f.at + length
		w.noteFault(f)
		m.signal(syscall.SIGSTOP)
		pause(ctx, length)
		m.signal(syscall.SIGCONT)
		return nil
	case "kill":
		w.noteFault(f)
		m.signal(syscall.SIGKILL)
	case "end":
		w.noteFault(f)
		m.signal(syscall.SIGTERM)
	}
	<-m.ended
	if code := m.cmd.ProcessState.ExitCode(); code > 1 {
		return fmt.Errorf("%s ends with exit code %d after SIGTERM", m.name, code)
	}
	pause(ctx, time.Duration(random.Int64N(int64(w.plan.ttl))))
	return m.start()
}

// victim chooses a member that lives, and in three of four cases the moment at which an action of it has begun.
func (w *world) victim(ctx context.Context, random *rand.Rand) (*member, int) {
	const step, soon = 100 * time.Millisecond, 2 * time.Second
	busy := random.IntN(4) > 0
	for waited := time.Duration(0); ctx.Err() == nil; waited += step {
		agents := map[int]bool{}
		if busy && waited < w.plan.ttl {
			agents = w.acting()
		}
		for _, i := range random.Perm(len(w.members)) {
			m := w.members[i]
			pid, ok := m.alive()
			if ok && (!busy || waited >= w.plan.ttl || agents[pid]) {
				if busy {
					pause(ctx, time.Duration(random.Int64N(int64(soon))))
				}
				if m.claim(pid) {
					return m, pid
				}
			}
		}
		pause(ctx, step)
	}
	return nil, 0
}

// acting are the agents that have an action which has not ended.
func (w *world) acting() map[int]bool {
	all, _ := readLedger(w.dir) // the verdict reads it again
	agents := map[int]bool{}
	for _, e := range all {
		agents[e.agent] = e.what != ended
	}
	return agents
}

func (w *world) noteFault(f fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.faults = append(w.faults, f)
}

// outage changes the weather, in one case of three for one member only.
func (w *world) outage(ctx context.Context, random *rand.Rand) {
	kind := refused + weather(random.IntN(int(slow)))
	length := time.Duration(random.Int64N(int64(2 * w.plan.ttl)))
	whose := w.members
	if random.IntN(3) == 0 {
		at := random.IntN(len(whose))
		whose = whose[at : at+1]
	}
	w.outages.Lock() // one after the other
	defer w.outages.Unlock()
	from := now()
	w.say("the store is %s for %d, %s", kind, len(whose), length.Round(time.Second))
	for _, m := range whose {
		m.proxy.turn(kind)
	}
	pause(ctx, length)
	for _, m := range whose {
		m.proxy.turn(fair)
	}
	if len(whose) < len(w.members) {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.aways = append(w.aways, span{from, now()})
}

// await waits until each head has been applied and GitHub knows it.
func (w *world) await(ctx context.Context, what string, limit time.Duration) error {
	const step = 500 * time.Millisecond
	for end := time.Now().Add(limit); ; {
		for _, m := range w.members {
			if gone := m.gone(); gone != "" {
				return errors.Join(errors.New(gone), w.verdict())
			}
		}
		missing := w.missing()
		if len(missing) == 0 {
			return nil
		}
		if time.Now().After(end) {
			return errors.Join(fmt.Errorf("waited %s for %s; not there: %q", limit, what, missing), w.verdict())
		}
		if !pause(ctx, step) {
			return context.Cause(ctx)
		}
	}
}

// missing are the heads without a status of success.
func (w *world) missing() (names []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, repo := range w.repos {
		for _, ref := range refs() {
			name := taskName(i) + " refs/heads/" + ref
			shas := w.heads[name]
			said := repo.Statuses(shas[len(shas)-1])
			if len(said) == 0 || said[len(said)-1].State != "success" {
				names = append(names, name+" "+shas[len(shas)-1])
			}
		}
	}
	return names
}

// stop ends the members as a service manager does.
func (w *world) stop(ctx context.Context) error {
	const limit = 30 * time.Second
	for _, m := range w.members {
		m.signal(syscall.SIGTERM)
	}
	for _, m := range w.members {
		select {
		case <-m.ended:
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(limit):
			return fmt.Errorf("%s does not end", m.name)
		}
	}
	return nil
}

// pause tells whether the time has passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
