package webhook

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"mime"
	"net/http"
	"net/url"
	"time"

	"golang.org/x/time/rate"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/hosts"
	hidden "github.com/bittrance/kitops/poller/secret"
)

const (
	unverifiedBurst    = 10
	unverifiedInterval = 2 * time.Second
)

// patience is how a relay is waited for.
type patience struct {
	silence  time.Duration // without as much as a ping; smee pings every 30 seconds
	connect  time.Duration // for the answer's header
	first    time.Duration // pause before it is tried again, doubled
	longest  time.Duration
	settling time.Duration // a connection that lasted so long was a good one
}

func defaultPatience() patience {
	return patience{
		silence: 90 * time.Second, connect: 30 * time.Second, first: time.Second, longest: 2 * time.Minute, settling: time.Minute,
	}
}

// Relay follows a channel of the smee protocol (https://github.com/probot/smee.io), in which somebody else receives the App's
// webhooks. Who runs the channel, or knows its URL, can read them but not forge them.
type Relay struct {
	URL        hidden.Text
	Transport  http.RoundTripper // nil: one of its own
	UserAgent  string            // kitops when empty
	Secrets    *Secrets          // nil: nothing can be verified
	Unverified bool              // what cannot be verified may cause looks, few at a time
	Seen       *Seen             // told of what came; may be nil
	Handle     func(Event)
	Count      func(Result) // for each message; may be nil
	// Gap is told when the channel is followed again after a time in which webhooks were lost; may be nil. The App's own
	// delivery log has them, too.
	Gap func()
	Log *slog.Logger

	patience patience
	limit    *rate.Limiter
	dropped  tally
	good     bool // the connection brought an event
	followed bool // there was a connection before this one
}

// Name is how the channel is shown: its URL without what makes it a secret.
func (r *Relay) Name() string {
	u, err := url.Parse(r.URL.Reveal())
	if err != nil || u.Host == "" {
		return "relay"
	}
	return u.Scheme + "://" + u.Host + "/…"
}

// exposed tells whether the URL can be read on the way to the relay.
func (r *Relay) exposed() bool {
	u, err := url.Parse(r.URL.Reveal())
	return err == nil && u.Scheme == "http" && !hosts.LoopbackAt(u.Host)
}

// CheckRelayURL tells what is wrong with a relay's URL, without showing it.
func CheckRelayURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path == "" || u.Path == "/" {
		return errors.New("it must be the URL of a channel, such as https://smee.io/CHANNEL")
	}
	return nil
}

// Run follows the channel until ctx is done, however often the connection breaks. It is called once.
func (r *Relay) Run(ctx context.Context) error {
	if r.patience == (patience{}) {
		r.patience = defaultPatience()
	}
	if r.exposed() {
		r.Log.Warn("the relay's URL is a secret and goes over the network in the clear: use https", "relay", r.Name())
	}
	r.limit = rate.NewLimiter(rate.Every(unverifiedInterval), unverifiedBurst)
	transport := r.Transport
	if transport == nil {
		own := newTransport()
		defer own.CloseIdleConnections()
		transport = own
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirect would tell the URL to somebody else
	}}
	for failures := 0; ctx.Err() == nil; failures++ {
		begun := time.Now()
		r.good = false
		err := bug.Catch(func() error { return r.follow(ctx, client) })
		if broken, ok := errors.AsType[*bug.Error](err); ok {
			r.Log.Error("the relay", "err", broken)
		}
		if r.good || time.Since(begun) > r.patience.settling {
			failures = 0
		}
		r.rest(ctx, failures, err)
	}
	return nil
}

// rest waits for the next try. It is loud about the fourth failure in a row, and quiet about a relay that restarts.
func (r *Relay) rest(ctx context.Context, failures int, err error) {
	if ctx.Err() != nil {
		return
	}
	level := slog.LevelDebug
	switch failures {
	case 0:
		level = slog.LevelInfo
	case 3:
		level = slog.LevelWarn
	}
	pause := r.pause(failures)
	r.Log.Log(ctx, level, "the relay is gone, it is tried again",
		"relay", r.Name(), "err", err, "again_in", pause.Round(time.Millisecond))
	select {
	case <-ctx.Done():
	case <-time.After(pause):
	}
}

// pause has full jitter above a half, so that the agents of a relay that restarts come back one by one.
func (r *Relay) pause(failures int) time.Duration {
	half := doubled(r.patience.first, failures, r.patience.longest) / 2
	return half + time.Duration(rand.Int64N(int64(half)+1))
}

// follow reads one connection until it ends, which is always an error.
func (r *Relay) follow(ctx context.Context, client *http.Client) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watchdog := time.AfterFunc(r.patience.connect, func() { cancel(errors.New("no sign of life")) })
	defer watchdog.Stop()
	resp, err := r.connect(ctx, client)
	if err != nil {
		return because(ctx, err)
	}
	defer func() { _ = resp.Body.Close() }()
	watchdog.Reset(r.patience.silence)
	r.Log.Info("following the relay", "relay", r.Name())
	if r.followed && r.Gap != nil {
		r.Gap()
	}
	r.followed = true
	body := &alive{resp.Body, func() { watchdog.Reset(r.patience.silence) }}
	for event, err := range readEvents(body, maxBody) {
		if err != nil {
			return because(ctx, err)
		}
		if event.Type == "" || event.Type == "message" { // others are ready and ping
			r.good = true
			r.take(event.Data)
		}
	}
	return because(ctx, errors.New("the connection was closed"))
}

// because prefers the reason for which the connection was cut here.
func because(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return bare(err)
}

func (r *Relay) connect(ctx context.Context, client *http.Client) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, r.URL.Reveal(), nil)
	if err != nil {
		return nil, errors.New("its URL is malformed")
	}
	req.Header.Set("Accept", "text/event-stream")
	req.Header.Set("Cache-Control", "no-cache")
	req.Header.Set("User-Agent", cmp.Or(r.UserAgent, "kitops"))
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type")) // malformed: empty
	if resp.StatusCode == http.StatusOK && kind == "text/event-stream" {
		return resp, nil
	}
	_ = resp.Body.Close()
	return nil, fmt.Errorf("it answered %d with %q, not with an event stream", resp.StatusCode, kind)
}
