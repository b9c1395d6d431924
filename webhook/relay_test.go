package webhook

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	hidden "github.com/bittrance/kitops/poller/secret"
)

const channel = "/a-secret-channel"

// relayed is a push as smee passes it on.
func relayed(body, signature string, more string) string {
	return fmt.Sprintf("id: 1\ndata: {\"host\":\"smee.io\",\"x-github-event\":\"push\",\"x-github-delivery\":\"a-guid\","+
		"\"x-hub-signature-256\":%q,\"body\":%s%s,\"query\":{},\"timestamp\":1}\n\n", signature, body, more)
}

// follow runs a relay against what serve does with each connection, until the test ends.
func follow(t *testing.T, serve http.HandlerFunc, change func(*Relay)) (events chan Event, log *logbook) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		serve(w, r)
	}))
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	events, log = make(chan Event, 100), &logbook{}
	r := &Relay{
		URL: hidden.New(server.URL + channel), Transport: transport, Secrets: newSecrets(t), Seen: NewSeen(),
		Handle: func(e Event) { events <- e }, Log: log.logger(),
		patience: patience{silence: patient, connect: patient, first: time.Millisecond, longest: 10 * time.Millisecond, settling: patient},
	}
	if change != nil {
		change(r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		want(t, "end of the relay", receive(t, "end of the relay", done), nil)
	})
	return events, log
}

// say sends and flushes.
func say(w http.ResponseWriter, text string) {
	_, _ = io.WriteString(w, text)
	w.(http.Flusher).Flush()
}

func TestRelayThatDropsTheConnectionTwice(t *testing.T) {
	var connections atomic.Int32
	events, log := follow(t, func(w http.ResponseWriter, r *http.Request) {
		n := connections.Add(1)
		want(t, "path", r.URL.Path, channel)
		want(t, "accepts", r.Header.Get("Accept"), "text/event-stream")
		say(w, "event: ready\ndata: {}\n\nevent: ping\ndata: {}\n\n")
		if n <= 2 {
			say(w, "data: {\"body\":") // cut in the middle
			return
		}
		say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		<-r.Context().Done()
	}, nil)
	e := receive(t, "event", events)
	want(t, "nudges", e.Nudges, []Nudge{{shopURL, 7, "refs/heads/main", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"}})
	want(t, "GUID", e.GUID, "a-guid")
	want(t, "connections", connections.Load(), 3)
	if strings.Contains(log.String(), channel) {
		t.Errorf("the channel is in the log: %s", log)
	}
}

// brokenOnce panics at the first request.
type brokenOnce struct {
	http.RoundTripper
	asked atomic.Bool
}

func (b *brokenOnce) RoundTrip(r *http.Request) (*http.Response, error) {
	if !b.asked.Swap(true) {
		panic("oops")
	}
	return b.RoundTripper.RoundTrip(r)
}

func TestAPanicIsARelayThatIsTriedAgain(t *testing.T) {
	serve := func(w http.ResponseWriter, r *http.Request) {
		say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		<-r.Context().Done()
	}
	events, log := follow(t, serve, func(r *Relay) { r.Transport = &brokenOnce{RoundTripper: r.Transport} })
	receive(t, "event", events)
	want(t, "said", strings.Contains(log.String(), "a bug in kitops"), true)
}

func TestRelayVerifies(t *testing.T) {
	spaced := strings.ReplaceAll(pushJSON, `,"`, ` , "`)
	raw := `,"bodyB":"` + base64.StdEncoding.EncodeToString([]byte(pushJSON)) + `"`
	for name, c := range map[string]struct {
		message string
		taken   bool
	}{
		"as it stands":                  {relayed(pushJSON, sign(secret, pushJSON), ""), true},
		"as it stands, with spaces":     {relayed(spaced, sign(secret, spaced), ""), true},
		"written anew":                  {relayed(spaced, sign(secret, pushJSON), ""), false},
		"written anew, with raw bytes":  {relayed(spaced, sign(secret, pushJSON), raw), true},
		"with raw bytes that are wrong": {relayed(pushJSON, sign(secret, pushJSON), `,"bodyB":"e30="`), true},
		"with raw bytes that are none":  {relayed(pushJSON, sign(secret, pushJSON), `,"bodyB":{"type":"Buffer"}`), true},
		"escapes in the other case":     {relayed(`{"a":"\u001b\u00fF\\u001B",`+pushJSON[1:], sign(secret, `{"a":"\u001B\u00FF\\u001B",`+pushJSON[1:]), ""), true},
		"escapes in small letters":      {relayed(`{"a":"\u001B",`+pushJSON[1:], sign(secret, `{"a":"\u001b",`+pushJSON[1:]), ""), true},
		"forged":                        {relayed(pushJSON, sign("not the secret it should be", pushJSON), ""), false},
		"unsigned":                      {relayed(pushJSON, "", ""), false},
		"no JSON":                       {"data: hello\n\n", false},
		"no webhook":                    {"data: {}\n\n", false},
		"of another kind":               {"event: ping\n" + relayed(pushJSON, sign(secret, pushJSON), ""), false},
		"in two lines":                  {strings.Replace(relayed(spaced, sign(secret, strings.Replace(spaced, " , ", "\n, ", 1)), ""), " , ", "\ndata: , ", 1), true},
	} {
		t.Run(name, func(t *testing.T) {
			var log logbook
			r := &Relay{Secrets: newSecrets(t), Log: log.logger()}
			var got []Event
			r.Handle = func(e Event) { got = append(got, e) }
			for event, err := range readEvents(strings.NewReader(c.message), maxBody) {
				if err != nil {
					t.Fatal(err)
				}
				if event.Type == "" {
					r.take(event.Data)
				}
			}
			want(t, "events", len(got) == 1, c.taken)
		})
	}
}

func TestUnverifiedMessagesAreFewLooksIfAllowed(t *testing.T) {
	events, log := follow(t, func(w http.ResponseWriter, r *http.Request) {
		for range 50 {
			say(w, relayed(pushJSON, "", ""))
		}
		say(w, strings.Replace(relayed(`{"installation":{"id":3,"account":{"login":"acme","html_url":"https://github.com/acme"}}}`, "", ""), "push", "installation", 1))
		say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		<-r.Context().Done()
	}, func(r *Relay) { r.Unverified = true })
	guesses := 0
	for {
		e := receive(t, "event", events)
		want(t, "about an installation", e.Installation, (*Installation)(nil))
		if e.Nudges[0].SHA != "" {
			break
		}
		guesses++
	}
	if guesses < unverifiedBurst || guesses > 2*unverifiedBurst {
		t.Errorf("%d looks on a stranger's word", guesses)
	}
	if !strings.Contains(log.String(), "dropped") {
		t.Error("nobody says that some were dropped")
	}
}

func TestGapsAreTold(t *testing.T) {
	var connections atomic.Int32
	gaps := make(chan int32, 10)
	events, _ := follow(t, func(w http.ResponseWriter, r *http.Request) {
		if connections.Add(1) == 3 {
			say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
			<-r.Context().Done()
		}
	}, func(r *Relay) { r.Gap = func() { gaps <- connections.Load() } })
	receive(t, "event", events)
	want(t, "gaps", len(gaps), 2)
	want(t, "connections at the first gap", receive(t, "gap", gaps), 2)
}

func TestRelayInTheClearIsWarnedOf(t *testing.T) {
	for url, warned := range map[string]bool{
		"http://relay.invalid" + channel: true, "https://relay.invalid" + channel: false, "http://127.0.0.1:1" + channel: false, "http://localhost" + channel: false,
	} {
		var log logbook
		r := &Relay{URL: hidden.New(url), Transport: failing{}, Log: log.logger()}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		want(t, url, r.Run(ctx), nil)
		want(t, url, strings.Contains(log.String(), "level=WARN"), warned)
		want(t, url, strings.Contains(log.String(), channel), false)
	}
}

func TestRelayWithoutSecretsDropsAll(t *testing.T) {
	events, log := follow(t, func(w http.ResponseWriter, r *http.Request) {
		say(w, relayed(pushJSON, sign("", pushJSON), ""))
		say(w, relayed(pushJSON, "", ""))
	}, func(r *Relay) { r.Secrets = nil })
	awaitLog(t, log, "without a webhook secret")
	want(t, "events", len(events), 0)
}

// awaitLog waits until something was logged.
func awaitLog(t *testing.T, log *logbook, text string) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patient); !strings.Contains(log.String(), text); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatalf("no %q in the log: %s", text, log)
		}
	}
}

func TestRelayThatIsNone(t *testing.T) {
	var tries atomic.Int32
	stolen := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the redirect was followed") }))
	defer stolen.Close()
	events, log := follow(t, func(w http.ResponseWriter, r *http.Request) {
		switch tries.Add(1) {
		case 1:
			w.WriteHeader(http.StatusNotFound)
		case 2:
			http.Redirect(w, r, stolen.URL, http.StatusFound)
		case 3:
			w.Header().Set("Content-Type", "text/html")
			say(w, "<html>")
		case 4:
			panic(http.ErrAbortHandler)
		default:
			say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
			<-r.Context().Done()
		}
	}, nil)
	receive(t, "event", events)
	for _, said := range []string{"answered 404", "answered 302", "text/html", "level=WARN"} {
		if !strings.Contains(log.String(), said) {
			t.Errorf("nobody says %q: %s", said, log)
		}
	}
	if strings.Contains(log.String(), channel) {
		t.Errorf("the channel is in the log: %s", log)
	}
}

func TestRelayURLIsNeverShown(t *testing.T) {
	for _, url := range []string{"https://user:password@relay.invalid" + channel + "?token=hidden", "https://relay.invalid" + channel + "\x7f", channel} {
		r := &Relay{URL: hidden.New(url), Log: quiet(), patience: defaultPatience()}
		err := r.follow(t.Context(), &http.Client{Transport: failing{}})
		for _, shown := range []string{r.Name(), fmt.Sprint(err), fmt.Sprint(CheckRelayURL(url))} {
			for _, hidden := range []string{channel, "password", "token"} {
				if strings.Contains(shown, hidden) {
					t.Errorf("%q shows %q", shown, hidden)
				}
			}
		}
	}
	for url, ok := range map[string]bool{"https://smee.io/abc": true, "https://smee.io/": false, "smee.io/abc": false, "": false} {
		want(t, url, CheckRelayURL(url) == nil, ok)
	}
}

type failing struct{}

func (failing) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("no route to host")
}
