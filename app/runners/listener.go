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
	kept    Keeper[Listening]
	member  *member // nil: this set is alone

	memory     Listening // as it is kept
	loaded     bool
	session    *session
	spoilt     int // answers in a row that made no sense
	statistics statistics
	extra      int                 // runners for jobs that only GitHub's count knows of
	believed   time.Time           // when extra grew last
	assigned   map[int64]time.Time // jobs that wait, and when that was heard
	unseen     map[int64]time.Time // jobs whose runners are not registered any more, and since when

	mu     sync.Mutex
	told   string             // the trouble that there is
	more   int                // jobs that GitHub counts and told of by no message
	cancel context.CancelFunc // of the poll
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
		l.polling(end)
		if err := l.publish(ctx); err != nil {
			end()
			return heard, err
		}
		m, err := l.session.next(polling, l.memory.Message, l.room())
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
	held, err := l.kept.Load(ctx)
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
	l.share(&next)
	if err := l.kept.Change(ctx, func(Listening) Listening { return next }); err != nil {
		return fmt.Errorf("save what is known of the scale set: %w", err)
	}
	l.memory = next
	if l.member != nil {
		l.pool.follow(next, l.member.Member)
	}
	return nil
}

// polling says how a poll is ended that tells GitHub the wrong capacity.
func (l *listener) polling(end context.CancelFunc) {
	l.mu.Lock()
	l.cancel = end
	l.mu.Unlock()
	if l.member == nil {
		l.pool.polling(end)
	}
}

// repoll has the poll begin anew.
func (l *listener) repoll() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil {
		l.cancel()
	}
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
	return l.demand(ctx, false)
}
