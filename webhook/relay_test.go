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

	"github.com/bittrance/kitops/app/apptest"
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

func TestSilentRelayIsLeft(t *testing.T) {
	var connections atomic.Int32
	events, log := follow(t, func(w http.ResponseWriter, r *http.Request) {
		if connections.Add(1) > 2 {
			say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		} else {
			say(w, ":\n\n")
		}
		<-r.Context().Done()
	}, func(r *Relay) { r.patience.silence = 20 * time.Millisecond })
	receive(t, "event", events)
	if !strings.Contains(log.String(), "no sign of life") {
		t.Errorf("nobody says why: %s", log)
	}
}

// A network that forgets the connection costs two pings, not the time in which a relay may be silent.
func TestRelayBehindANetworkThatFallsSilent(t *testing.T) {
	var connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		want(t, "HTTP", r.ProtoMajor, 2)
		w.Header().Set("Content-Type", "text/event-stream")
		say(w, ":\n\n")
		if connections.Add(1) == 2 {
			say(w, relayed(pushJSON, sign(secret, pushJSON), ""))
		}
		<-r.Context().Done()
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	front := apptest.NewFront(t, server.Listener.Addr().String())
	events, _ := follow(t, func(http.ResponseWriter, *http.Request) {}, func(r *Relay) {
		transport := vigilant(200 * time.Millisecond)
		transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig
		t.Cleanup(transport.CloseIdleConnections)
		r.URL, r.Transport = hidden.New("https://"+front.Addr+channel), transport
	})
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for connections.Load() == 0 {
		<-ticker.C
	}
	front.Silence()
	receive(t, "event on the second connection", events)
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

func TestEventsOverTheLimitEndTheConnection(t *testing.T) {
	const limit = 1 << 20
	large := "data: " + strings.Repeat("x", limit) + "\n\n"
	for name, c := range map[string]struct {
		text string
		err  error
	}{
		"large":                {large, errEventTooLarge},
		"large after a good":   {"data: {}\r\n\r\n" + large, errEventTooLarge},
		"endless":              {"data: " + strings.Repeat("x", limit+100), errEventTooLarge},
		"many lines":           {strings.Repeat("data: x\n", limit/8), errEventTooBusy},
		"just within":          {"data: " + strings.Repeat("x", limit-100) + "\n\n", nil},
		"many events":          {strings.Repeat("data: x\n\n", 1000), nil},
		"many events, CR only": {strings.Repeat("data: x\r\r", 1000) + "\r", nil},
	} {
		var err error
		for _, err = range readEvents(&dribble{text: c.text, size: 4 << 10}, limit) {
			continue
		}
		if !errors.Is(err, c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// dribble hands out so many bytes at a time.
type dribble struct {
	text string
	size int
}

func (d *dribble) Read(p []byte) (int, error) {
	if d.text == "" {
		return 0, io.EOF
	}
	n := copy(p, d.text[:min(len(d.text), d.size)])
	d.text = d.text[n:]
	return n, nil
}

func FuzzRelayEvents(f *testing.F) {
	f.Add([]byte(relayed(pushJSON, sign(secret, pushJSON), "")), uint8(1))
	f.Add([]byte(relayed(`"x"`, "", `,"bodyB":"e30="`)), uint8(7))
	f.Add([]byte("event: ready\r\ndata\r\r\ndata: {\n\n: x\n\n\ufeffid: \x00\n\n"), uint8(3))
	secrets := newSecrets(f)
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		r := &Relay{Secrets: secrets, Log: quiet(), Seen: NewSeen()}
		r.Handle = func(e Event) {
			if !strings.Contains(string(text), "sha256=") {
				t.Errorf("%+v without a signature", e)
			}
		}
		for event, err := range readEvents(&dribble{string(text), int(size) + 1}, maxBody) {
			if err != nil {
				return
			}
			r.take(event.Data)
		}
	})
}
