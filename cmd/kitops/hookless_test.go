//go:build unix

package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

// fetched is how often kitops has asked for a delivery's payload.
func (s *hookScene) fetched(d apptest.Delivery) int {
	return s.Count(apptest.Filter{Kind: apptest.REST, Path: fmt.Sprintf("/app/hook/deliveries/%d", d.ID)})
}

// TestDeliveryLog has deliveries that arrive nowhere, also while kitops is away.
func TestDeliveryLog(t *testing.T) {
	s := newHookScene(t)
	args := append(s.tasks(watchShop), "--deliveries-interval", "200ms")
	s.agent = s.start(args...)
	s.awaitStatus(s.first, "success")
	second, found := s.push()
	s.wantStatus(found, http.StatusBadGateway)
	s.awaitStatus(second, "success")
	if n := s.fetched(found); n != 1 {
		t.Errorf("the payload was fetched %d times", n)
	}
	if !eventually(func() bool { return strings.Contains(s.read("state.yaml"), fmt.Sprint("delivery: ", found.ID)) }) {
		t.Errorf("the state does not say how far the log was read\n%s", s.read("state.yaml"))
	}
	s.agent.stop()

	s.Advance(10 * time.Minute)
	third, missed := s.push()
	s.Advance(10 * time.Minute)
	s.agent = s.start(args...)
	s.awaitStatus(third, "success")
	s.await("what was missed", func() bool { return s.fetched(missed) > 0 })
	s.agent.stop()
	if s.fetched(found) != 1 || s.fetched(missed) != 1 {
		t.Errorf("payloads were fetched %d and %d times", s.fetched(found), s.fetched(missed))
	}
	s.wantRan(s.first, second, third)
}

// TestEndpointAndLogAgree has every delivery come in both ways.
func TestEndpointAndLogAgree(t *testing.T) {
	s := newHookScene(t)
	flags := append(s.listening(), "--deliveries-interval", "100ms")
	s.serveShop(flags...)
	second, d := s.push()
	s.wantStatus(d, http.StatusAccepted)
	s.awaitStatus(second, "success")
	s.await("the log with the delivery in it", func() bool {
		return strings.Contains(s.read("state.yaml"), fmt.Sprint("delivery: ", d.ID))
	})
	s.agent.stop()
	if n := s.fetched(d); n != 0 {
		t.Errorf("the payload was fetched %d times all the same", n)
	}
	s.wantRan(s.first, second)
}

func TestAppWithoutAWebhook(t *testing.T) {
	s := newHookScene(t)
	s.app = s.RegisterApp("acme", "Deaf", apptest.AppOptions{Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}})
	s.app.Install("acme", nil)
	s.write("key.pem", string(s.app.PrivateKey()))
	s.agent = s.start(append(s.tasks(watchShop), "--deliveries-interval", "10ms")...)
	s.awaitStatus(s.first, "success")
	s.agent.says("the App has no active webhook", 1)
	s.agent.stop()
	if n := s.Count(apptest.Filter{Kind: apptest.REST, Path: "/app/hook/**"}); n != 1 || s.count("no active webhook") != 1 {
		t.Errorf("asked %d times, said %d times", n, s.count("no active webhook"))
	}
}

// channel is a relay that drops its first connections, each after its greeting.
type channel struct {
	drops    int
	messages chan string
	mu       sync.Mutex
	came     int
}

func (c *channel) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	c.came++
	drop := c.came <= c.drops
	c.mu.Unlock()
	rw.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(rw, "event: ready\ndata: {}\n\n")
	_ = http.NewResponseController(rw).Flush()
	for !drop {
		select {
		case message := <-c.messages:
			fmt.Fprintf(rw, "id: 1\ndata: %s\n\n", message)
			_ = http.NewResponseController(rw).Flush()
		case <-r.Context().Done():
			return
		}
	}
}

func (c *channel) connections() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.came
}

// pass hands a capture to whoever follows the channel.
func (c *channel) pass(t *testing.T, sent capture) {
	t.Helper()
	message, err := json.Marshal(map[string]any{
		"x-github-event": sent.header.Get("X-GitHub-Event"), "x-github-delivery": sent.header.Get("X-GitHub-Delivery"),
		"x-hub-signature-256": sent.header.Get("X-Hub-Signature-256"), "content-type": "application/json",
		"body": json.RawMessage(sent.body), "query": map[string]any{}, "timestamp": int64(1700000000000),
	})
	if err != nil {
		t.Fatal(err)
	}
	select {
	case c.messages <- string(message):
	case <-time.After(patience):
		t.Fatal("nobody follows the relay")
	}
}

const channelName = "a-channel-that-nobody-knows"

func (s *hookScene) follow(drops int, flags ...string) *channel {
	s.t.Helper()
	c := &channel{drops: drops, messages: make(chan string)}
	server := httptest.NewServer(c)
	s.t.Cleanup(server.Close)
	s.t.Cleanup(func() { s.findWords(channelName) })
	s.agent = s.start(slices.Concat(s.tasks(watchShop), []string{"--webhook-relay", server.URL + "/" + channelName, "--deliveries-interval", "0"}, flags)...)
	s.t.Cleanup(func() { s.agent.kill(); server.CloseClientConnections() }) // before server.Close, which waits for it
	s.awaitStatus(s.first, "success")
	return c
}

func TestRelayThatDropsTheConnectionTwice(t *testing.T) {
	s := newHookScene(t)
	c := s.follow(2, "--webhook-secret-file", s.write("hook.secret", hookSecret))
	second, _ := s.push()
	push := s.gate.captured()
	c.pass(t, push.with("X-Hub-Signature-256", ""))
	c.pass(t, push.signed("a secret that somebody has guessed", push.body))
	s.agent.says("relayed webhook dropped", 1)
	before := s.looks()
	c.pass(t, push)
	s.awaitStatus(second, "success")
	if n := c.connections(); n != 3 {
		t.Errorf("%d connections", n)
	}
	if n := s.looks() - before; n > 2 {
		t.Errorf("%d looks: the unsigned counted", n)
	}
	s.agent.stop()
	wantWords(t, s.story(), "the relay is gone, it is tried again", "following the relay")
	s.wantRan(s.first, second)
}

func TestUnverifiedRelay(t *testing.T) {
	s := newHookScene(t)
	c := s.follow(0, "--webhook-relay-unverified")
	second, _ := s.push()
	c.pass(t, s.gate.captured().with("X-Hub-Signature-256", ""))
	s.awaitStatus(second, "success")
	begun, before := time.Now(), s.looks()
	for range 50 {
		c.pass(t, s.gate.captured())
	}
	third, _ := s.push()
	c.pass(t, s.gate.captured())
	if !eventually(func() bool { return slices.Contains(s.ran(), third) || s.count("relayed webhook dropped") > 0 }) {
		t.Errorf("neither heard nor dropped\n%s", s.story())
	}
	s.agent.stop()
	if n, most := s.looks()-before, 10+int(time.Since(begun)/(2*time.Second))+2; n > most {
		t.Errorf("%d looks, want at most %d", n, most)
	}
}

func TestRelayNeedsASecret(t *testing.T) {
	s := newHookScene(t)
	relay := "https://smee.io/" + channelName
	wantWords(t, s.ends(exitUsage, append(s.tasks(watchShop), "check", "--webhook-relay", relay)...), "--webhook-relay: needs the webhook secret")
	s.env = append(s.env, "KITOPS_WEBHOOK_SECRET="+hookSecret)
	out := s.ends(0, append(s.tasks(watchShop), "check", "--webhook-relay", relay, "--listen", ":8080")...)
	wantWords(t, out, "webhook-relay: ", "webhook-secret: ", `listen: :8080`, "deliveries-interval: 10s")
	s.findWords(channelName)
}
