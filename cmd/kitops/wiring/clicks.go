package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store/lease"
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
	late  bool          // it has come again: after those that may have been made since, and what others save is known
	done  chan struct{} // of one that is none: closed when those before it were tried
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

// again has a click come again after a while.
func (c *clicks) again(one click, wait time.Duration) { time.AfterFunc(wait, func() { c.put(one) }) }

// settle waits until what was clicked before was tried.
func (c *clicks) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, clickPatience)
	defer cancel()
	last := click{done: make(chan struct{})}
	select {
	case c.queue <- last:
	default: // there are too many to wait for
		return
	}
	select {
	case <-last.done:
	case <-ctx.Done():
	}
}

// later has a click come again on which GitHub gave no answer, or that another instance keeps from being answered, which has
// the task's lease. It tells whether it does.
func (c *clicks) later(one click, err error) bool {
	if held, elsewhere := errors.AsType[*lease.HeldError](err); elsewhere { // whoever answers first completes the suite
		c.again(one, min(max(held.Left(), clickPause), clickPatience))
		return true
	}
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
	c.again(one, wait)
	return true
}

// Run does what was clicked until ctx is done.
func (c *clicks) Run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case one := <-c.queue:
			if one.done != nil {
				close(one.done)
				continue
			}
			err := bug.Catch(func() error {
				bounded, cancel := context.WithTimeout(ctx, clickPatience)
				defer cancel()
				return c.do(ctx, bounded, one)
			})
			if err != nil && ctx.Err() == nil && !c.later(one, err) {
				c.log.Warn("a click on a check run has no effect", "sha", one.SHA, "by", one.Sender.Login, "err", err)
			}
		}
	}
}

// do does what was clicked. What concerns no task of this agent costs no request; what is replayed or forged at most one.
func (c *clicks) do(agent, ctx context.Context, one click) error {
	click := one.Check
	on, beside, err := c.agent.ReportedOn(ctx, strconv.FormatInt(click.RepositoryID, 10), click.SHA)
	if err != nil {
		return err
	}
	older := slices.DeleteFunc(slices.Clone(on), func(one poller.Reported) bool { return !replaced(click, one) })
	if len(older) > 0 && !one.late { // if it is a replay, GitHub waits for another one
		one.late, older = true, nil
		c.again(one, clickPause)
	}
	concerned := slices.DeleteFunc(on, func(one poller.Reported) bool { return !concerns(click, one) })
	beside = slices.DeleteFunc(beside, func(one poller.Reported) bool { return click.Button != "" || click.Run != 0 && click.Name != one.To })
	all := slices.Concat(concerned, beside, older)
	if len(all) == 0 {
		if wait := c.agent.hearsWithin(); wait > 0 && !one.late { // another instance may have reported on it just now
			one.late = true
			c.again(one, wait)
		}
		return nil
	}
	repository := c.agent.wiring.Find(poller.Report{Run: all[0].Run, URL: all[0].URL})
	if repository == nil {
		return nil
	}
	if click.Button == "" {
		suite, err := repository.Suite(ctx, click.Suite)
		if err != nil || suite.Status != "queued" || suite.SHA != click.SHA {
			return err // GitHub waits for nothing: it was done before, or nobody has asked for it
		}
	}
	var errs []error
	if len(beside) > 0 {
		errs = append(errs, c.completeOlder(agent, ctx, repository, click, beside))
	}
	for _, one := range older {
		errs = append(errs, c.agent.ReportAnew(agent, one, "Not run again: that was an older check run; Re-run this one"))
	}
	if len(concerned) == 0 {
		return errors.Join(errs...)
	}
	may, err := repository.MayPush(ctx, app.Person{ID: click.Sender.ID, Login: click.Sender.Login})
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, one := range concerned {
		errs = append(errs, c.order(agent, one, click, may))
	}
	return errors.Join(errs...)
}

// concerns tells whether a click is about what was reported: a button about the check run that has it, a Re-run about one that
// is completed and the newest of its name.
func concerns(click webhook.Check, one poller.Reported) bool {
	id, there := github.CheckOf(one.Note)
	switch {
	case !there:
		return false
	case click.Button == github.CancelButton:
		return click.Run == id && one.Run.Outcome == poller.Pending && one.Run.Waits == ""
	case click.Button == github.ApproveButton:
		return click.Run == id && one.Run.Waits == poller.ForApproval
	case click.Button != "":
		return false
	}
	return mayComeAgain(one) && (click.Run == 0 || click.Run == id)
}

// replaced tells whether a Re-run is about a check run that another one has taken the place of, which is completed.
func replaced(click webhook.Check, one poller.Reported) bool {
	id, there := github.CheckOf(one.Note)
	return there && click.Button == "" && click.Run != 0 && click.Run != id && click.Name == one.To && mayComeAgain(one)
}

// mayComeAgain tells whether what was reported neither runs nor is to run.
func mayComeAgain(one poller.Reported) bool {
	return (one.Run.Outcome != poller.Pending || one.Run.Waits == poller.ForApproval) && !one.Ordered
}

// completeOlder completes check runs again of a commit that no ref is at any more, as they were: GitHub waits for them.
func (c *clicks) completeOlder(agent, ctx context.Context, repository *app.Repository, click webhook.Check, tasks []poller.Reported) error {
	known, err := repository.ChecksOf(ctx, click.Suite)
	if err != nil {
		return err
	}
	var errs []error
	for _, one := range tasks {
		i := slices.IndexFunc(known, func(k app.KnownCheck) bool {
			return k.Name == one.To && k.SHA == click.SHA && k.Conclusion != "" && (click.Run == 0 || click.Run == k.ID)
		})
		if i < 0 {
			continue
		}
		one.Note = github.NoteOf(known[i])
		why := fmt.Sprintf("no branch or tag that %s watches is at this commit any more; kitops rollback and pin run older commits", one.Task)
		errs = append(errs, c.agent.ReportAnew(agent, one, "Not run again: "+why))
	}
	return errors.Join(errs...)
}

// order has a run end or run again, or lets it run, or says why not: of a Re-run on its commit, where GitHub waits for that.
func (c *clicks) order(ctx context.Context, one poller.Reported, click webhook.Check, may bool) error {
	by, ref := click.Sender.Login, one.Run.Revision.Ref
	if click.Button != "" {
		return c.press(ctx, one, click, may)
	}
	var why string
	switch {
	case !may:
		why = by + " may not write to this repository"
	case one.Run.Waits == poller.ForApproval:
		why = fmt.Sprintf("it waits for approval of %.7s, which the button Approve gives", one.Run.Revision.SHA)
	case one.Head != "" && one.Head != click.SHA:
		why = fmt.Sprintf("%s is at %.7s by now; kitops rollback and pin run older commits", one.Run.Revision.Name(), one.Head)
	default:
		_, err := c.agent.Order(ctx, one.Task, poller.Order{What: poller.Again, Ref: ref, By: by, Person: poller.Person{ID: click.Sender.ID, Login: by}})
		var refused *poller.RefusedError
		if !errors.As(err, &refused) {
			return err
		}
		why = refused.Error()
	}
	return c.agent.ReportAnew(ctx, one, "Not run again: "+why)
}

// press does what a button is for.
func (c *clicks) press(ctx context.Context, one poller.Reported, click webhook.Check, may bool) error {
	by, log := click.Sender.Login, c.log.With("task", one.Task, "sha", click.SHA, "by", click.Sender.Login)
	if !may {
		log.Warn("a click on a check run has no effect: who clicked may not write to the repository", "button", click.Button)
		return nil
	}
	if click.Button == github.CancelButton {
		_, err := c.agent.Cancel(ctx, one.Run.ID, by)
		return err
	}
	_, err := c.agent.Order(ctx, one.Task, poller.Order{What: poller.Approve, Ref: one.Run.Revision.Ref, SHA: click.SHA, By: by, Person: poller.Person{ID: click.Sender.ID, Login: by}})
	var refused *poller.RefusedError
	if errors.As(err, &refused) {
		log.Warn("not approved", "err", err)
		return nil
	}
	return err
}
