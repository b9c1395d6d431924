package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/status/github"
	"github.com/bittrance/kitops/webhook"
)

const (
	maxClicks     = 100 // that wait; more are lost, and can be repeated
	clickPatience = time.Minute
	clickTries    = 10              // while GitHub does not answer
	clickPause    = 2 * time.Second // before the second of them, then twice as long each time
)

// clicks do what people want who click on check runs. A click that is told of is a hint: GitHub is asked whether it is
// waiting for a run, and whether the person may write.
type clicks struct {
	agent *Agent
	queue chan click
	log   *slog.Logger
}

// click is one, and how often it was tried.
type click struct {
	webhook.Check
	tries int
}

func newClicks(a *Agent) *clicks {
	return &clicks{agent: a, queue: make(chan click, maxClicks), log: a.log}
}

// hear takes a click. It never blocks. Who clicked is only believed where GitHub has signed it, or has it in the App's log.
func (c *clicks) hear(e webhook.Event) {
	if e.Check == nil || !e.Verified {
		return
	}
	c.put(click{Check: *e.Check})
}

func (c *clicks) put(one click) {
	select {
	case c.queue <- one:
	default:
		c.log.Warn("too many clicks on check runs: one is lost", "sha", one.SHA, "by", one.Sender.Login)
	}
}

// later has a click come again on which GitHub gave no answer, and tells whether it does.
func (c *clicks) later(one click, err error) bool {
	var down *app.DownError
	var limit *app.LimitError
	wait := clickPause << one.tries
	switch one.tries++; {
	case one.tries == clickTries:
		return false
	case errors.As(err, &limit):
		wait = max(wait, time.Until(limit.Until))
	case !errors.As(err, &down) && !errors.Is(err, context.DeadlineExceeded):
		return false
	}
	time.AfterFunc(wait, func() { c.put(one) })
	return true
}

// Run does what was clicked until ctx is done.
func (c *clicks) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-c.queue:
			err := bug.Catch(func() error {
				bounded, cancel := context.WithTimeout(ctx, clickPatience)
				defer cancel()
				return c.do(ctx, bounded, one.Check)
			})
			if err != nil && ctx.Err() == nil && !c.later(one, err) {
				c.log.Warn("a click on a check run has no effect", "sha", one.SHA, "by", one.Sender.Login, "err", err)
			}
		}
	}
}

// do does what was clicked. What concerns no run of this agent costs no request; what is replayed or forged at most one.
func (c *clicks) do(agent, ctx context.Context, click webhook.Check) error {
	all, err := c.agent.ReportedOn(ctx, strconv.FormatInt(click.RepositoryID, 10), click.SHA)
	if err != nil {
		return err
	}
	var concerned []poller.Reported
	for _, one := range all {
		id, there := github.CheckOf(one.Note)
		running := one.Run.Outcome == poller.Pending
		if there && (click.Run == 0 || click.Run == id) && running == (click.Button != "") && !one.Ordered {
			concerned = append(concerned, one)
		}
	}
	if len(concerned) == 0 || click.Button != "" && click.Button != github.CancelButton {
		return nil
	}
	repository := c.agent.wiring.Find(poller.Report{Run: concerned[0].Run, URL: concerned[0].URL})
	if repository == nil {
		return nil
	}
	if click.Button == "" {
		suite, err := repository.Suite(ctx, click.Suite)
		if err != nil || suite.Status != "queued" || suite.SHA != click.SHA {
			return err // GitHub waits for nothing: it was done before, or nobody has asked for it
		}
	}
	may, err := repository.MayPush(ctx, app.Person{ID: click.Sender.ID, Login: click.Sender.Login})
	if err != nil {
		return err
	}
	var errs []error
	for _, one := range concerned {
		errs = append(errs, c.order(agent, one, click, may))
	}
	return errors.Join(errs...)
}

// order has a run end or run again, or says on its commit why not.
func (c *clicks) order(ctx context.Context, one poller.Reported, click webhook.Check, may bool) error {
	by, ref := click.Sender.Login, one.Run.Revision.Ref
	if click.Button != "" {
		if !may {
			c.log.Warn("not cancelled: who clicked may not write to the repository", "task", one.Task, "run", one.Run.ID, "by", by)
			return nil
		}
		_, err := c.agent.Cancel(ctx, one.Run.ID, by)
		return err
	}
	var why string
	switch {
	case !may:
		why = by + " may not write to this repository"
	case one.Head != "" && one.Head != click.SHA:
		why = fmt.Sprintf("%s is at %.7s by now; kitops rollback and pin run older commits", one.Run.Revision.Name(), one.Head)
	default:
		_, err := c.agent.Order(ctx, one.Task, poller.Order{What: poller.Again, Ref: ref, By: by})
		var refused *poller.RefusedError
		if !errors.As(err, &refused) {
			return err
		}
		why = refused.Error()
	}
	return c.agent.ReportAnew(ctx, one, "Not run again: "+why)
}
