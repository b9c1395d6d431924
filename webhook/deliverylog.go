package webhook

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/bittrance/kitops/poller/bug"
)

const (
	pageSize     = "100"
	maxPages     = 30             // in one read; nudges are hints
	maxAge       = 72 * time.Hour // of what is looked back for; GitHub keeps the log for three days
	lagGrace     = time.Minute    // clocks differ, and entries appear late
	checkHook    = time.Hour      // after nothing new
	fetchEach    = 3              // payloads for each repository in one read
	maxFetches   = 50             // payloads in one read
	maxAddresses = 10000
	maxOwed      = 100 // clicks
	maxTries     = 30  // of a click's payload
)

// DeliveryLog finds in the App's own delivery log what no endpoint received. All fields but Seen are required.
type DeliveryLog struct {
	// Get asks as the App for a path of the API, such as /app/hook/deliveries?per_page=100. Its error is a *LaterError when
	// GitHub wants to be left alone.
	Get      func(ctx context.Context, path string) (Answer, error)
	Interval time.Duration // between reads, unless something calls for longer pauses
	Seen     *Seen         // what came by the endpoint; may be nil

	// Watched tells whether a task may be on a repository. The URL is empty when it is not known.
	Watched func(repositoryID int64, url string) bool
	Handle  func(Event)
	Count   func(Result) // for each delivery that nothing else has received; may be nil
	// Load and Save keep the id of the newest delivery that was seen, 0 at first.
	Load func(ctx context.Context) (int64, error)
	Save func(ctx context.Context, id int64) error
	Log  *slog.Logger

	api       hookAPI
	pace      pace
	last      int64
	known     *Seen      // ids of entries that were read
	owed      []delivery // clicks whose payload could not be had: they are asked for again
	addresses map[int64]string
	begun     time.Time
	checked   time.Time // when the App was last known to have a webhook
	trouble   string    // that was said
	stretched bool      // that it is was said
	pushes    pushes
}

// Run reads the log until ctx is done. Nothing that goes wrong ends it. It is called once.
func (l *DeliveryLog) Run(ctx context.Context) error {
	l.api = hookAPI{ask: l.Get}
	l.pace = pace{interval: l.Interval, spread: spread}
	l.known, l.addresses, l.begun = NewSeen(), map[int64]string{}, time.Now()
	last, err := l.Load(ctx)
	if err != nil {
		l.Log.Warn("the delivery log is read from now on", "err", err)
	}
	l.last = last
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-timer.C:
			var pause time.Duration
			if err := bug.Catch(func() error { pause = l.turn(ctx); return nil }); err != nil {
				l.Log.Error("the delivery log", "err", err)
				pause = l.pace.afterFailure()
			}
			timer.Reset(pause)
		}
	}
}

// turn reads what is new and returns how long to rest.
func (l *DeliveryLog) turn(ctx context.Context) time.Duration {
	if time.Since(l.checked) > checkHook {
		active, err := l.api.active(ctx)
		if err != nil {
			return l.failed(ctx, err)
		}
		if !active {
			return l.withoutHook()
		}
		l.checked, l.pace.idle = time.Now(), 0
	}
	found, top, date, err := l.read(ctx)
	if err != nil {
		return l.failed(ctx, err)
	}
	if l.trouble != "" {
		l.Log.Info("the delivery log is read again")
	}
	l.pace.failures, l.trouble = 0, ""
	l.lookForPushes(found)
	if len(found) > 0 {
		l.checked = time.Now()
	}
	if owed := l.owed; len(found)+len(owed) > 0 {
		l.owed = nil
		l.follow(ctx, slices.Concat(owed, found), date)
		l.save(ctx, found, top)
	}
	return l.rest()
}

// rest is the pause after a read, which is said when the limit makes it much longer than wanted.
func (l *DeliveryLog) rest() time.Duration {
	pause := l.pace.afterRead(l.api.budget, time.Now())
	stretched := pause > 2*max(l.Interval, doubled(l.Interval, l.pace.quiet, maxQuiet))
	if stretched && !l.stretched {
		l.Log.Warn("the delivery log is read less often, so that the App's rate limit lasts", "pause", pause.Round(time.Second), "remaining", l.api.budget.remaining)
	}
	l.stretched = stretched
	return pause
}

func (l *DeliveryLog) withoutHook() time.Duration {
	if l.pace.idle == 0 {
		l.Log.Warn("the App has no active webhook, so its delivery log stays empty: give it a webhook URL on its settings page, " +
			"https://kitops.invalid will do, or set --deliveries-interval 0")
	}
	return l.pace.afterNoHook()
}

func (l *DeliveryLog) failed(ctx context.Context, err error) time.Duration {
	if ctx.Err() != nil {
		return l.Interval
	}
	var pause time.Duration
	if limited, ok := errors.AsType[*limitedError](err); ok {
		pause = l.pace.afterLimit(limited.until, time.Now())
	} else {
		pause = l.pace.afterFailure()
	}
	if l.trouble != err.Error() {
		l.trouble = err.Error()
		l.Log.Warn("the delivery log cannot be read, polling goes on", "err", err, "again_in", pause.Round(time.Second))
	}
	return pause
}

// read returns the entries that were not read before, oldest first, the newest id of all, and GitHub's time.
func (l *DeliveryLog) read(ctx context.Context) (found []delivery, top int64, date time.Time, err error) {
	query := url.Values{"per_page": {pageSize}}
	for range maxPages {
		ans, err := l.api.get(ctx, "/app/hook/deliveries", query)
		if err != nil {
			return nil, 0, date, err
		}
		if date.IsZero() {
			date = ans.date
		}
		page, err := parseDeliveries(ans.body)
		if err != nil {
			return nil, 0, date, err
		}
		end := len(page) == 0 || ans.next == ""
		for _, d := range page {
			if l.isNew(d, date) {
				found = append(found, d)
			} else {
				end = true // what comes after it is older; of this page all the same, since entries appear late
			}
			top = max(top, d.ID)
		}
		if end {
			break
		}
		query.Set("cursor", ans.next)
	}
	slices.Reverse(found)
	return found, top, date, nil
}

func (l *DeliveryLog) isNew(d delivery, date time.Time) bool {
	return !l.known.Has(strconv.FormatInt(d.ID, 10)) && l.isFresh(d, date)
}

// isFresh: since the last one that was seen, or since the start. Where the two disagree, as when a late entry appears or the
// memory is of another App, one look too many does no harm.
func (l *DeliveryLog) isFresh(d delivery, date time.Time) bool {
	age := date.Sub(d.DeliveredAt)
	return age <= time.Since(l.begun)+lagGrace || l.last > 0 && d.ID > l.last && age <= maxAge
}

// save remembers what was read, up to the first click that is owed. It may fail: then some of it is read again after a
// restart.
func (l *DeliveryLog) save(ctx context.Context, found []delivery, top int64) {
	for _, d := range found {
		l.known.Add(strconv.FormatInt(d.ID, 10))
	}
	for _, d := range l.owed {
		top = min(top, d.ID-1)
	}
	if top == l.last {
		return
	}
	l.last = top
	if err := l.Save(ctx, top); err != nil {
		l.Log.Warn("how far the delivery log was read is not saved", "err", err)
	}
}
