package runners

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/bug"
)

// parting is what GitHub's answers may take when the set has ended.
const parting = 10 * time.Second

// phantoms is how often GitHub's count is believed where no message told of a job, in seconds.
const phantoms = 300

// listener holds the session of a scale set and tells the pool how many runners its jobs need.
type listener struct {
	o       *Options
	service *service
	pool    *pool

	memory     Listening // as it is kept
	loaded     bool
	session    *session
	spoilt     int // answers in a row that made no sense
	statistics statistics
	extra      int       // runners for jobs that only GitHub's count knows of
	believed   time.Time // when extra grew last

	mu   sync.Mutex
	told string // the trouble that there is
}

// run listens until ctx is done, whatever happens.
func (l *listener) run(ctx context.Context) {
	pause := l.o.seconds(1)
	for ctx.Err() == nil {
		heard := false
		err := bug.Catch(func() error {
			var err error
			heard, err = l.listen(ctx)
			return err
		})
		if ctx.Err() != nil {
			break
		}
		if heard {
			pause = l.o.seconds(1)
		}
		l.heal(err)
		l.tell(err)
		if !wait(ctx, pause) {
			break
		}
		pause = min(2*pause, l.o.seconds(60))
	}
	l.leave(ctx)
}

// listen polls until something goes wrong. Heard tells that something went well before.
func (l *listener) listen(ctx context.Context) (heard bool, err error) {
	if err := l.load(ctx); err != nil {
		return false, err
	}
	if l.session == nil {
		if err := l.open(ctx); err != nil {
			return false, err
		}
	}
	for {
		polling, end := context.WithCancel(ctx)
		room := l.pool.capacity()
		l.pool.polling(end)
		m, err := l.session.next(polling, l.memory.Message, room)
		over := polling.Err() != nil && ctx.Err() == nil
		end()
		if over {
			continue // with another capacity
		}
		if err != nil {
			return heard, err
		}
		heard, l.spoilt = true, 0
		l.tell(nil)
		if m == nil {
			m = &message{}
		}
		if err := l.handle(ctx, m); err != nil {
			return heard, err
		}
	}
}

func (l *listener) load(ctx context.Context) error {
	if l.loaded {
		return nil
	}
	held, err := l.o.Listening.Load(ctx)
	if err != nil {
		return fmt.Errorf("read what was known of the scale set: %w", err)
	}
	l.memory, l.loaded = held, true
	return nil
}

// change saves a change.
func (l *listener) change(ctx context.Context, f func(*Listening)) error {
	next := l.memory
	f(&next)
	if err := l.o.Listening.Change(ctx, func(Listening) Listening { return next }); err != nil {
		return fmt.Errorf("save what is known of the scale set: %w", err)
	}
	l.memory = next
	return nil
}

// open finds or makes the scale set, ends the session of a kitops that was killed, and begins one.
func (l *listener) open(ctx context.Context) error {
	set, made, err := l.service.adopt(ctx, l.o.Name, l.o.Group)
	if err != nil {
		return err
	}
	switch {
	case made && l.memory.ScaleSet != 0:
		l.o.Log.Warn("GitHub has lost the scale set, it was made again", "id", set.ID)
	case made:
		l.o.Log.Info("the scale set was made", "id", set.ID)
	}
	if len(set.Labels) > 0 && !slices.ContainsFunc(set.Labels, func(other label) bool { return strings.EqualFold(other.Name, l.o.Name) }) {
		l.o.Log.Warn("jobs do not find the scale set by its name: it was made by another program, with other labels", "labels", labelNames(set.Labels))
	}
	if l.memory.Session != "" && l.memory.ScaleSet == set.ID {
		if err := l.service.closeSession(ctx, set.ID, l.memory.Session); err != nil {
			return err
		}
	}
	if err := l.begin(ctx, set.ID); err != nil {
		return err
	}
	l.pool.serve(set.ID)
	return l.first(ctx, l.session.Statistics)
}

// begin begins a session. Its answer is waited for also when ctx is done meanwhile: nobody could end a session of which
// nobody knows. One that cannot be saved is ended.
func (l *listener) begin(ctx context.Context, set int64) error {
	ctx, cancel := outlasting(ctx, parting)
	defer cancel()
	session, err := l.service.openSession(ctx, set, l.o.Owner)
	if session != nil && session.ID != "" {
		saved := l.change(ctx, func(m *Listening) {
			if m.ScaleSet != set {
				m.Message, m.Jobs, m.Offered, m.Known = 0, nil, nil, false
			}
			m.ScaleSet, m.Session = set, session.ID
		})
		if saved != nil {
			saved = errors.Join(saved, l.service.closeSession(ctx, set, session.ID))
		}
		err = errors.Join(err, saved)
	}
	if err == nil {
		l.session, l.spoilt = session, 0
	}
	return err
}

func labelNames(all []label) string {
	var names []string
	for _, one := range all {
		names = append(names, plain(one.Name, 60))
	}
	return strings.Join(names, ", ")
}

// first takes GitHub's count for the truth where nothing else is known.
func (l *listener) first(ctx context.Context, s *statistics) error {
	if s != nil {
		l.statistics = *s
	}
	if !l.memory.Known {
		if l.extra = max(0, l.statistics.Assigned-len(l.memory.Jobs)); l.extra > 0 {
			l.believed = time.Now()
		}
		if err := l.change(ctx, func(m *Listening) { m.Known = true }); err != nil {
			return err
		}
	}
	l.demand(false)
	return nil
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
	l.demand(m.ID == 0)
	if m.ID == 0 {
		return nil
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
		case "JobStarted":
			if !memory.has(j.ID) && l.extra > 0 {
				l.extra, l.believed = l.extra-1, time.Time{} // it was true: the next one is believed at once
			}
			memory.start(j.ID, now)
			l.pool.took(j)
		case "JobCompleted":
			memory.complete(j.ID)
			l.pool.finish(j)
		}
	}
}

// acquire takes as many of the jobs that are offered as there is room for.
func (l *listener) acquire(ctx context.Context) error {
	room := l.pool.capacity() - len(l.memory.Jobs)
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
		}
	})
}

// demand tells the pool how many runners there should be. Where GitHub counts more jobs than its messages told of, one
// runner more is tried at a time, once a poll has brought nothing more: the count may be stuck.
func (l *listener) demand(quiet bool) {
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
	l.pool.want(known + l.extra)
}
