package notify

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

const (
	patience    = 10 * time.Second // for an answer
	staleAfter  = 24 * time.Hour   // what nobody could be told for so long is old news
	longestRest = 10 * time.Minute // that a service may ask for at once; longer ones are asked for again
)

// Sender delivers notices. Its fields are set before, it may be used concurrently.
type Sender struct {
	Find   func(task, to string) (Target, bool) // the target of that name, as the task words it, if it is still configured
	Page   func(poller.Run) string              // the address of a run's page; "" for none
	Member string                               // the name of this instance
	Log    *slog.Logger
	Client *http.Client // nil: one that follows no redirect

	mu      sync.Mutex
	batches map[string]*batch
	rests   map[string]time.Time // by target: asked to wait until then

	deliveries map[string]*Delivery // by target
}

// Report is the poller.Reporter of notices.
func (s *Sender) Report(ctx context.Context, r poller.Report) error {
	target, ok := s.Find(r.Run.Task, r.To)
	log := s.Log.With("task", r.Run.Task, "run", r.Run.ID)
	if !ok {
		log.Info("not notified: the target is no longer configured")
		return nil
	}
	if at := came(r); !at.IsZero() && time.Since(at) > staleAfter {
		log.Warn("not notified: nobody could be told for a day", "target", target.String())
		return nil
	}
	err := s.gather(ctx, target, r)
	var refused *RefusedError
	if errors.As(err, &refused) {
		log.Warn("the notification was refused", "target", target.String(), "err", err)
		return nil
	}
	return err
}

// RefusedError is the answer of a service that the same message would get again.
type RefusedError struct{ Err error }

func (e *RefusedError) Error() string { return e.Err.Error() }
func (e *RefusedError) Unwrap() error { return e.Err }

// Try sends a trial message.
func (s *Sender) Try(ctx context.Context, t Target) error {
	r := poller.Report{Run: poller.Run{ID: "trial", Started: time.Now()}, Change: poller.Begun}
	f, _ := s.single(t, r)
	m := message{id: "trial-" + rand.Text(), text: "A trial of kitops: notifications arrive here."}
	var err error
	if m.body, err = inJSON(f, r, m.text); err != nil {
		return err
	}
	return s.deliver(ctx, t, m)
}

// message of a report that comes alone.
func (s *Sender) single(t Target, r poller.Report) (Fields, string) {
	page := ""
	if s.Page != nil {
		page = s.Page(r.Run)
	}
	f := fields(r, s.Member, page)
	text := f.text()
	if t.Template != "" {
		var b strings.Builder
		parsed, err := t.parse()
		if err == nil {
			err = parsed.Execute(&b, f)
		}
		if err == nil {
			return f, b.String()
		}
		s.Log.Warn("the template of a notification failed, the usual text is sent", "err", err)
	}
	return f, text
}

// deliver sends a message. Its error names the service and the host, and the answer.
func (s *Sender) deliver(ctx context.Context, t Target, m message) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if t.Kind == "mail" {
		return t.mail(ctx, m)
	}
	if until := s.resting(t); !until.IsZero() {
		return fmt.Errorf("%s has asked to wait until %s", t, until.Format(time.TimeOnly))
	}
	r, err := t.request(ctx, m)
	if err != nil {
		return err
	}
	client := s.Client
	if client == nil {
		client = &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	}
	answer, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("%s: %w", t, bare(err))
	}
	defer func() { _ = answer.Body.Close() }()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxSecret))
	switch code := answer.StatusCode; {
	case code < 300:
		return nil
	case code == http.StatusTooManyRequests:
		s.rest(t, answer.Header.Get("Retry-After"))
		return fmt.Errorf("%s: too many messages", t)
	case code >= 500, code == http.StatusRequestTimeout:
		return fmt.Errorf("%s: %s", t, http.StatusText(code))
	default:
		return &RefusedError{fmt.Errorf("%s: %d %s", t, code, http.StatusText(code))}
	}
}

// bare is an error of the network without the address that was asked, in which there may be a token.
func bare(err error) error {
	var asked *url.Error
	if errors.As(err, &asked) {
		err = asked.Err
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer in %s", patience)
	}
	return err
}

func (s *Sender) resting(t Target) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := s.rests[t.To()]; time.Now().Before(until) {
		return until
	}
	return time.Time{}
}

// rest notes for how long a service wants no message: seconds, or a date (RFC 9110, 10.2.3).
func (s *Sender) rest(t Target, after string) {
	wait := time.Minute
	if seconds, err := strconv.ParseFloat(after, 64); err == nil && seconds >= 0 {
		wait = time.Duration(min(seconds, longestRest.Seconds()) * float64(time.Second))
	} else if at, err := http.ParseTime(after); err == nil {
		wait = time.Until(at)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.rests == nil {
		s.rests = map[string]time.Time{}
	}
	s.rests[t.To()] = time.Now().Add(min(wait, longestRest))
}

// inJSON is the body for a webhook: the run as the API has it, and what has changed.
func inJSON(f Fields, r poller.Report, text string) ([]byte, error) {
	run := history.Summarise(r.Run, f.Member)
	run.Action, run.Reason = app.Redact(run.Action), app.Redact(run.Reason)
	return json.Marshal(map[string]any{"run": run, "task_url": f.URL, "change": f.Change, "text": text})
}
