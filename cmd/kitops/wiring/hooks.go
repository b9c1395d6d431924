package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/status/metrics"
	"github.com/bittrance/kitops/webhook"
)

// Hooks are the sources of nudges that are configured.
type Hooks struct {
	settings settings.Settings
	agent    *poller.Poller
	catalog  *Catalog
	state    store.Store
	log      *slog.Logger

	clicked func(webhook.Event)
	settle  func(context.Context) // waits until what was clicked was tried
	metrics *metrics.Metrics      // nil: off
	seen    *webhook.Seen
	secrets *webhook.Secrets // nil: none
	server  *webhook.Server  // nil: no --listen
	relay   *webhook.Relay   // nil: no --webhook-relay
	logs    map[*app.App]*webhook.DeliveryLog

	mu      sync.Mutex
	failing map[string]time.Time // task → since when its looks fail
}

// NewHooks binds the server's address and reads the secrets, so that what is
// wrong with them shows before anything runs.
func NewHooks(ctx context.Context, s settings.Settings, agent *poller.Poller, c *Catalog, state store.Store, log *slog.Logger) (*Hooks, error) {
	h := &Hooks{
		settings: s, agent: agent, catalog: c, state: state, log: log, seen: webhook.NewSeen(),
		failing: map[string]time.Time{}, logs: map[*app.App]*webhook.DeliveryLog{},
	}
	if s.Webhook.DeliveriesInterval > 0 {
		for _, a := range c.wiring.apps.used(s) {
			h.logs[a] = h.deliveries(a)
		}
	}
	var err error
	if h.secrets, err = readSecrets(s.Webhook, log); err != nil {
		return nil, err
	}
	if s.Webhook.Relay.Given() {
		h.relay = &webhook.Relay{
			URL: s.Webhook.Relay, Secrets: h.secrets, Unverified: s.Webhook.RelayUnverified,
			Seen: h.seen, Handle: h.handler(metrics.Relay), Count: h.counter(metrics.Relay), Gap: h.gap, Log: log, UserAgent: c.wiring.process.Agent,
		}
	}
	if s.Webhook.Listen == "" {
		return h, nil
	}
	proxies, err := webhook.ParseProxies(s.Webhook.TrustedProxy)
	if err != nil {
		return nil, err
	}
	h.server, err = webhook.Listen(ctx, webhook.Options{
		Addr: s.Webhook.Listen, CertFile: s.Webhook.TLSCertFile, KeyFile: s.Webhook.TLSKeyFile,
		TrustedProxies: proxies, Secrets: h.secrets, Seen: h.seen, Handle: h.handler(metrics.Webhook), Count: h.counter(metrics.Webhook), Health: h.health, Log: log,
		Listener: c.wiring.process.Handed.listener(s.Webhook.Listen),
	})
	if err != nil {
		return nil, fmt.Errorf("--listen: %w", err)
	}
	if h.secrets == nil {
		log.Warn("no webhook secret: the HTTP server tells of kitops' health only", "address", h.server.Addr().String())
	} else {
		log.Info("taking webhooks", "address", h.server.Addr().String())
	}
	return h, nil
}

// readSecrets returns nil when none are configured.
func readSecrets(c webhook.Config, log *slog.Logger) (*webhook.Secrets, error) {
	var secrets *webhook.Secrets
	var err error
	switch {
	case c.SecretFile != "":
		secrets, err = webhook.ReadSecrets(c.SecretFile, log)
	case c.Secret.Given():
		secrets, err = webhook.LiteralSecrets(c.Secret, log)
	default:
		return nil, nil //nolint:nilnil // no secret is a valid answer
	}
	if err != nil {
		return nil, &settings.Error{Mistakes: []error{fmt.Errorf("webhook secret: %w", err)}}
	}
	return secrets, nil
}

// Run follows all sources until ctx is done. The error is that of the server;
// nothing else ends before.
func (h *Hooks) Run(ctx context.Context) error {
	var following sync.WaitGroup
	defer following.Wait()
	if h.relay != nil {
		following.Go(func() { h.report("webhook relay", h.relay.Run(ctx)) })
	}
	for a, log := range h.logs {
		following.Go(func() {
			h.whileMine(ctx, deliveriesKey+a.ID(), func(ctx context.Context) { h.report("delivery log", log.Run(ctx)) })
		})
	}
	if h.server == nil {
		return nil
	}
	return h.server.Run(ctx)
}

// whileMine does what one of the instances does for all, whenever that is this one.
func (h *Hooks) whileMine(ctx context.Context, what string, do func(context.Context)) {
	members := h.agent.Members
	if members == nil {
		do(ctx)
		return
	}
	ticker := time.NewTicker(time.Second)
	defer ticker.Stop()
	for ctx.Err() == nil {
		if members.Duty(what) {
			mine, cancel := context.WithCancel(ctx)
			var doing sync.WaitGroup
			doing.Go(func() { defer cancel(); do(mine) })
			for members.Duty(what) && mine.Err() == nil {
				select {
				case <-ticker.C:
				case <-mine.Done():
				}
			}
			cancel()
			doing.Wait()
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
		}
	}
}

func (h *Hooks) report(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		h.log.Error("a source of nudges has ended", "source", what, "err", err)
	}
}

// handler acts on the deliveries of a source. What is wrong with one must not keep others from being handled.
func (h *Hooks) handler(source string) func(webhook.Event) {
	return func(e webhook.Event) {
		h.count(source, e)
		if err := bug.Catch(func() error { h.act(source, e); return nil }); err != nil {
			h.log.Error("a webhook", "event", e.Name, "err", err)
		}
	}
}

// act does what a delivery says, none of which is trusted.
func (h *Hooks) act(source string, e webhook.Event) {
	if i := e.Installation; i != nil {
		h.catalog.wiring.apps.outdated(i.Owner)
		if i.Former != "" {
			h.catalog.wiring.apps.outdated(i.Former)
		}
	}
	if r := e.Repository; r != nil {
		h.catalog.wiring.apps.outdatedRepository(*r, e.At)
		if r.Deleted && e.Verified {
			h.catalog.Deleted(r.ID, e.At)
		}
	}
	if e.Installation != nil || e.Name == "repository" {
		h.catalog.Poke()
	}
	h.clicked(e)
	nudge := func(n webhook.Nudge) poller.Nudge {
		identity := ""
		if n.RepositoryID != 0 {
			identity = strconv.FormatInt(n.RepositoryID, 10)
		}
		return poller.Nudge{URL: n.URL, Identity: identity, Ref: n.Ref, SHA: n.SHA, Verified: e.Verified, Broadcast: source == metrics.Relay}
	}
	for _, n := range e.Nudges {
		h.agent.Nudge(nudge(n))
	}
	if e.Said != nil {
		h.agent.NudgeRequired(nudge(*e.Said))
	}
}

// gap has every task look once: nudges were lost, and nothing else will tell of them.
func (h *Hooks) gap() {
	if len(h.logs) > 0 {
		return // the delivery log has them
	}
	h.log.Info("webhooks may be lost while the relay was gone: every task polls once")
	h.agent.NudgeAll()
}

// Observe is a poller.Observer. It notes since when looks fail, and what the delivery log should tell of.
func (h *Hooks) Observe(e poller.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch e.Kind {
	case poller.Looked:
		if _, failing := h.failing[e.Task]; e.Err == nil {
			delete(h.failing, e.Task)
		} else if !failing {
			h.failing[e.Task] = time.Now()
		}
	case poller.Started:
		moved := e.Run.Attempt == 1 && strings.Trim(e.Run.Previous, "0") != ""
		if log := h.logs[h.catalog.wiring.appOf(e.Task)]; moved && log != nil {
			log.Moved()
		}
	}
}

func (h *Hooks) health() []webhook.TaskHealth {
	tasks := h.agent.Health()
	h.mu.Lock()
	defer h.mu.Unlock()
	all := make([]webhook.TaskHealth, len(tasks))
	for i, t := range tasks {
		all[i] = webhook.TaskHealth{Name: t.Name, Looked: t.Looked, LastLook: t.LastLook, NextLook: t.NextLook, Late: t.Late, Behind: t.Behind}
		if t.Err != nil {
			all[i].Problem, all[i].Failing = t.Err.Error(), h.failing[t.Name]
		}
	}
	return all
}

// deliveriesKey, and the ID of the App, is the document of what was read of its deliveries.
const deliveriesKey = "deliveries of GitHub App "

// deliveriesRead says how far a delivery log was read.
type deliveriesRead struct {
	Delivery int64 `yaml:"delivery"`
}

// deliveries reads the App's own delivery log, from where the last agent stopped.
func (h *Hooks) deliveries(a *app.App) *webhook.DeliveryLog {
	memory := document[deliveriesRead]{store: h.state, key: deliveriesKey + a.ID()}
	return &webhook.DeliveryLog{
		Get: asking(a), Interval: h.settings.Webhook.DeliveriesInterval,
		Seen: h.seen, Handle: h.handler(metrics.DeliveryLog), Count: h.counter(metrics.DeliveryLog),
		Load: func(ctx context.Context) (int64, error) {
			read, err := memory.load(ctx)
			return read.Delivery, err
		},
		Save: func(ctx context.Context, id int64) error {
			if h.settle(ctx); ctx.Err() == nil { // else the next agent reads of it again
				return memory.save(ctx, func(deliveriesRead) deliveriesRead { return deliveriesRead{id} })
			}
			return nil
		},
		Log:     h.log,
		Watched: func(id int64, url string) bool { return h.agent.Watches(url, strconv.FormatInt(id, 10)) },
	}
}

// asking lets the log's requests pass the App's limits.
func asking(a *app.App) func(context.Context, string) (webhook.Answer, error) {
	return func(ctx context.Context, path string) (webhook.Answer, error) {
		answer, err := a.Get(ctx, path)
		if limit, ok := errors.AsType[*app.LimitError](err); ok {
			err = &webhook.LaterError{At: limit.Until, Err: err}
		}
		return webhook.Answer(answer), err
	}
}
