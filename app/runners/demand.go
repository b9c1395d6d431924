package runners

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"
)

// slow is how many seconds a job may wait for its runner before that is said.
const slow = 120

// mostEnded is of how many jobs that have ended the members are told.
const mostEnded = 100

// room is how many jobs GitHub may assign together.
func (l *listener) room() int {
	if l.member == nil {
		return l.pool.capacity()
	}
	return l.member.allotment().capacity(l.memory.Jobs)
}

// handle acts on a message in this order: it saves, acquires at most what is free, starts, and deletes the message.
func (l *listener) handle(ctx context.Context, m *message) error {
	if m.Statistics != nil {
		l.statistics = *m.Statistics
	}
	if len(m.Jobs) > 0 {
		if err := l.change(ctx, func(memory *Listening) { l.apply(memory, m.Jobs) }); err != nil {
			return err
		}
	}
	if err := l.acquire(ctx); err != nil {
		return err
	}
	if err := l.demand(ctx, m.ID == 0); err != nil || m.ID == 0 {
		return err
	}
	if err := l.session.acknowledge(ctx, m.ID); err != nil {
		return err
	}
	l.memory.Message = m.ID // saved with the next change: until then GitHub may tell it again
	return nil
}

// apply notes what a message says of jobs.
func (l *listener) apply(memory *Listening, jobs []job) {
	now := time.Now().UTC().Truncate(time.Second)
	memory.forget(now)
	for _, j := range jobs {
		switch j.Kind {
		case "JobAvailable":
			memory.offer(j.ID)
		case "JobAssigned":
			memory.assign(j.ID, now)
			l.awaited(j.ID)
		case "JobStarted":
			if !memory.has(j.ID) && l.extra > 0 {
				l.extra, l.believed = l.extra-1, time.Time{} // it was true: the next one is believed at once
			}
			memory.start(j.ID, now)
			l.began(j)
			if l.member != nil {
				memory.hand(l.member.allotment(), j)
			}
			l.pool.took(j.told())
		case "JobCompleted":
			memory.complete(j.ID)
			delete(l.assigned, j.ID)
			if l.member != nil {
				memory.end(j.told(), now)
			}
			l.pool.finish(j.told())
		}
	}
	maps.DeleteFunc(l.assigned, func(id int64, _ time.Time) bool { return !memory.has(id) })
}

// awaited notes when it was heard that a job waits for a runner.
func (l *listener) awaited(id int64) {
	if l.assigned == nil {
		l.assigned = map[int64]time.Time{}
	}
	if _, known := l.assigned[id]; !known {
		l.assigned[id] = time.Now()
	}
}

// began tells how long a job has waited. GitHub gives one that waits for too long to another runner, which is as slow.
func (l *listener) began(j job) {
	since, known := l.assigned[j.ID]
	if !known {
		return
	}
	delete(l.assigned, j.ID)
	waited := time.Since(since)
	if l.o.Waited != nil {
		l.o.Waited(waited)
	}
	if waited > l.o.seconds(slow) {
		l.o.Log.Warn("runners: a job has waited long for its runner: it takes GitHub five minutes to give it to another, which is as slow",
			"job", j.told().Title, "runner", j.RunnerName, "waited", waited.Round(time.Millisecond))
	}
}

// acquire takes as many of the jobs that are offered as there is room for.
func (l *listener) acquire(ctx context.Context) error {
	room := l.room() - len(l.memory.Jobs)
	if room <= 0 || len(l.memory.Offered) == 0 {
		return nil
	}
	ids := l.memory.Offered[:min(room, len(l.memory.Offered))]
	got, err := l.session.acquire(ctx, ids)
	if err != nil {
		return fmt.Errorf("acquire jobs: %w", err)
	}
	return l.change(ctx, func(m *Listening) {
		now := time.Now().UTC().Truncate(time.Second)
		m.withdraw(ids...) // those that were not to be had are another's
		for _, id := range got {
			m.assign(id, now)
			l.awaited(id)
		}
	})
}

// demand tells how many runners there should be. Where GitHub counts more jobs than its messages told of, one
// runner more is tried at a time, once a poll has brought nothing more: the count may be stuck.
func (l *listener) demand(ctx context.Context, quiet bool) error {
	known := len(l.memory.Jobs)
	switch {
	case l.statistics.Assigned <= known:
		l.extra = 0
	case l.extra == 0 && quiet && time.Since(l.believed) >= l.o.seconds(phantoms):
		l.extra, l.believed = 1, time.Now()
		l.o.Log.Info("GitHub counts more jobs than it told of, one runner is tried", "counted", l.statistics.Assigned, "told", known)
	case l.extra > l.statistics.Assigned-known:
		l.extra = l.statistics.Assigned - known
	}
	l.mu.Lock()
	l.more = max(0, l.statistics.Assigned-known)
	l.mu.Unlock()
	if l.member == nil {
		l.pool.want(known + l.extra)
	}
	return l.publish(ctx)
}

// publish says which member shall have how many runners, where that has changed.
func (l *listener) publish(ctx context.Context) error {
	if l.member == nil {
		return nil
	}
	next := l.memory
	l.share(&next)
	if maps.Equal(next.Shares, l.memory.Shares) && slices.Equal(next.Jobs, l.memory.Jobs) {
		return nil
	}
	return l.change(ctx, func(*Listening) {})
}

// share gives each job to a member. One whose runner was lost, and of which GitHub says nothing more, gets another.
func (l *listener) share(memory *Listening) {
	if l.member == nil {
		return
	}
	by, now := l.member.allotment(), time.Now()
	jobs, unseen := slices.Clone(memory.Jobs), map[int64]time.Time{}
	for i, j := range jobs {
		if !j.Started || by.registered(j.Runner) {
			continue
		}
		since, known := l.unseen[j.ID]
		switch {
		case !known:
			unseen[j.ID] = now
		case now.Sub(since) < l.o.seconds(lostRunner):
			unseen[j.ID] = since
		default:
			jobs[i] = Job{ID: j.ID, At: j.At, Member: j.Member}
		}
	}
	l.unseen = unseen
	memory.Jobs, memory.Shares = by.share(jobs, l.extra)
}
