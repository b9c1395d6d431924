package apptest

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	neturl "net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hookTimeout is how long GitHub waits for the answer to a webhook.
const hookTimeout = 10 * time.Second

// newHookClient is GitHub as it posts webhooks: impatient, and following no redirects.
func newHookClient() *http.Client {
	return &http.Client{Timeout: hookTimeout, Transport: &http.Transport{}, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
}

// Event is something GitHub tells an App.
type Event struct {
	Name       string // push
	Action     string // for events that have one: renamed
	Payload    map[string]any
	Repository *Repository // may be nil
}

// Delivery is an entry of an App's delivery log.
type Delivery struct {
	ID         int64
	GUID       string
	Event      string
	Action     string
	Redelivery bool
	StatusCode int    // of the answer; 0 when there is no hook, 502 when nobody answered
	Status     string // OK, or why not
	At         time.Time
	Payload    []byte

	duration     time.Duration
	installation *Installation
	repository   *Repository
	headers      http.Header
	response     string
}

// PushEvent is what a push to ref tells: before and after are SHAs, 40 zeros where there is none.
func (r *Repository) PushEvent(ref, before, after string) Event {
	none := strings.Repeat("0", 40)
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	sender := r.g.describeAccount(r.owner)
	return Event{Name: "push", Repository: r, Payload: fields{
		"ref": ref, "before": before, "after": after, "base_ref": nil,
		"created": before == none, "deleted": after == none, "forced": false,
		"compare": r.g.URL + "/" + r.fullName() + "/compare/" + before + "..." + after,
		"commits": []fields{}, "head_commit": nil,
		"pusher": fields{"name": r.owner.Login, "email": authorEmail}, "sender": sender,
	}}
}

// Deliver puts an event into the App's delivery log and, when the App has a hook, posts it there, signed, and waits for the answer.
// Repository and installation are added to the payload.
func (a *App) Deliver(ctx context.Context, e Event) Delivery {
	var d *Delivery
	a.g.change(func() (err error) {
		d, err = a.prepare(e)
		return err
	})
	return a.send(ctx, d)
}

// Deliveries are the App's delivery log, oldest first.
func (a *App) Deliveries() []Delivery {
	a.g.mu.Lock()
	defer a.g.mu.Unlock()
	var all []Delivery
	for _, d := range a.deliveries {
		all = append(all, *d)
	}
	return all
}

func (a *App) prepare(e Event) (*Delivery, error) {
	d := &Delivery{GUID: guid(), Event: e.Name, Action: e.Action, repository: e.Repository}
	payload := fields{}
	for name, value := range e.Payload {
		payload[name] = value
	}
	if e.Action != "" {
		payload["action"] = e.Action
	}
	if e.Repository != nil {
		repository := a.g.describeRepository(e.Repository)
		repository["default_branch"] = e.Repository.defaultBranch.now // who tells of a change knows it
		payload["repository"] = repository
		if d.installation = a.g.installationOn(a, e.Repository.owner); d.installation != nil {
			payload["installation"] = fields{"id": d.installation.ID, "node_id": nodeID("Installation", d.installation.ID)}
		}
	}
	var err error
	d.Payload, err = json.Marshal(payload)
	return d, err
}

// send posts d to the hook without holding the lock, then logs it.
func (a *App) send(ctx context.Context, d *Delivery) Delivery {
	a.g.mu.Lock()
	url, secret, active, body := a.hookURL, a.secret, a.hookActive, d.Payload
	if a.hookForm {
		body = []byte("payload=" + neturl.QueryEscape(string(d.Payload)))
	}
	d.ID, d.At = a.g.nextID(), a.g.Now()
	a.g.mu.Unlock()

	d.headers = a.hookHeaders(d, secret, body)
	if active && url != "" {
		start := time.Now()
		d.post(ctx, a.g.hooks, url, body)
		d.duration = time.Since(start)
	}
	a.g.change(func() error { a.deliveries = append(a.deliveries, d); return nil })
	return *d
}

func (a *App) hookHeaders(d *Delivery, secret string, body []byte) http.Header {
	h := http.Header{}
	h.Set("Content-Type", "application/json")
	if a.hookForm {
		h.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	h.Set("User-Agent", "GitHub-Hookshot/0000000")
	h.Set("X-GitHub-Event", d.Event)
	h.Set("X-GitHub-Delivery", d.GUID)
	h.Set("X-GitHub-Hook-ID", strconv.FormatInt(a.ID, 10))
	h.Set("X-GitHub-Hook-Installation-Target-ID", strconv.FormatInt(a.ID, 10))
	h.Set("X-GitHub-Hook-Installation-Target-Type", "integration")
	if secret != "" {
		mac := hmac.New(sha256.New, []byte(secret))
		mac.Write(body)
		h.Set("X-Hub-Signature-256", "sha256="+hex.EncodeToString(mac.Sum(nil)))
	}
	return h
}

func (d *Delivery) post(ctx context.Context, client *http.Client, url string, body []byte) {
	d.StatusCode = http.StatusBadGateway
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		d.Status = "invalid url"
		return
	}
	req.Header = d.headers
	resp, err := client.Do(req)
	if err != nil {
		d.Status = "failed to connect to host"
		return
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	d.StatusCode, d.Status, d.response = resp.StatusCode, "OK", string(said)
	if resp.StatusCode >= 400 {
		d.Status = "Invalid HTTP Response: " + strconv.Itoa(resp.StatusCode)
	}
	if errors.Is(err, context.DeadlineExceeded) {
		d.Status = "timed out"
	}
}

func guid() string {
	h := randomHex(16)
	return strings.Join([]string{h[:8], h[8:12], h[12:16], h[16:20], h[20:]}, "-")
}

func (d *Delivery) succeeded() bool { return d.StatusCode >= 200 && d.StatusCode < 400 }

// listDeliveries has the newest first and pages by cursor.
func (g *GitHub) listDeliveries(c *call, app *App) *answer {
	query := c.URL.Query()
	size := between(query.Get("per_page"), 30, 100)
	all := slices.Clone(app.deliveries)
	slices.SortFunc(all, func(a, b *Delivery) int { return cmp.Compare(b.ID, a.ID) })
	if wanted := query.Get("status"); wanted != "" {
		all = slices.DeleteFunc(all, func(d *Delivery) bool { return d.succeeded() != (wanted == "success") })
	}
	if cursor := query.Get("cursor"); cursor != "" {
		last, err := strconv.ParseInt(strings.TrimPrefix(cursor, "v1_"), 10, 64)
		if err != nil || !strings.HasPrefix(cursor, "v1_") {
			return refuse(http.StatusUnprocessableEntity, "Invalid cursor")
		}
		all = slices.DeleteFunc(all, func(d *Delivery) bool { return d.ID >= last })
	}
	a := ok(nil)
	if len(all) > size {
		all = all[:size]
		a.with("Link", fmt.Sprintf(`<%s>; rel="next"`, g.here(c, "cursor", fmt.Sprintf("v1_%d", all[size-1].ID))))
	}
	a.body = each(all, describeDelivery)
	return a
}

func deliveryNamed(c *call, app *App) *Delivery {
	id, _ := strconv.ParseInt(c.PathValue("delivery"), 10, 64)
	for _, d := range app.deliveries {
		if d.ID == id {
			return d
		}
	}
	return nil
}

func (g *GitHub) getDelivery(c *call, app *App) *answer {
	d := deliveryNamed(c, app)
	if d == nil {
		return notFound()
	}
	f := describeDelivery(d)
	f["url"] = app.hookURL
	headers := fields{}
	for name := range d.headers {
		headers[name] = d.headers.Get(name)
	}
	f["request"] = fields{"headers": headers, "payload": json.RawMessage(d.Payload)}
	f["response"] = fields{"headers": fields{}, "payload": d.response}
	return ok(f)
}

// postAttempt delivers again, in the background, under the same GUID.
func (g *GitHub) postAttempt(c *call, app *App) *answer {
	d := deliveryNamed(c, app)
	if d == nil {
		return notFound()
	}
	again := &Delivery{
		GUID: d.GUID, Event: d.Event, Action: d.Action, Redelivery: true, Payload: d.Payload,
		installation: d.installation, repository: d.repository,
	}
	g.handlers.Go(func() { app.send(context.WithoutCancel(c.Context()), again) })
	return &answer{status: http.StatusAccepted, body: fields{}}
}

func describeDelivery(d *Delivery) fields {
	f := fields{
		"id": d.ID, "guid": d.GUID, "delivered_at": d.At.UTC().Format(time.RFC3339Nano), "redelivery": d.Redelivery,
		"duration": d.duration.Seconds(), "status": d.Status, "status_code": d.StatusCode, "event": d.Event,
		"action": nil, "installation_id": nil, "repository_id": nil,
	}
	if d.Action != "" {
		f["action"] = d.Action
	}
	if d.installation != nil {
		f["installation_id"] = d.installation.ID
	}
	if d.repository != nil {
		f["repository_id"] = d.repository.ID
	}
	return f
}
