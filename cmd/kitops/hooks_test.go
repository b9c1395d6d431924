//go:build unix

package main

import (
	"bytes"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

func TestDeliveryStartsAnAction(t *testing.T) {
	s := hooked(t, newPromptScene(t, apptest.Options{})) // looks are counted
	s.serveShop(s.listening()...)
	second, d := s.push()
	s.wantStatus(d, http.StatusAccepted)
	s.awaitStatus(second, "success")

	s.wantStatus(s.app.Deliver(t.Context(), apptest.Event{Name: "ping", Payload: map[string]any{"zen": "calm"}}), http.StatusOK)
	before := s.looks()
	unknown := apptest.Event{Name: "star", Action: "created", Repository: s.shop}
	s.wantStatus(s.app.Deliver(t.Context(), unknown), http.StatusAccepted)
	elsewhere := s.AddRepository("acme", "other", apptest.RepositoryOptions{InMemory: true})
	s.wantStatus(s.app.Deliver(t.Context(), elsewhere.PushEvent("refs/heads/main", second, second)), http.StatusAccepted)
	s.wantStatus(s.app.Deliver(t.Context(), s.shop.PushEvent("refs/heads/side", second, second)), http.StatusAccepted)

	third, d := s.push() // after those, so they have been dealt with
	s.wantStatus(d, http.StatusAccepted)
	s.awaitStatus(third, "success")
	s.agent.stop()
	s.wantRan(s.first, second, third)
	if extra := s.looks() - before; extra > 2 { // the nudge's, and the one after the run
		t.Errorf("%d looks for one push\n%s", extra, s.read("agent.log"))
	}
}

// TestUnwantedDeliveries announces a push that really was, in every way that must not be believed.
func TestUnwantedDeliveries(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	address := s.gate.address
	s.gate.open("")
	second, _ := s.push()
	push := s.gate.captured()
	s.gate.open(address)
	before := s.looks()

	signature := push.header.Get("X-Hub-Signature-256")
	large := append(slices.Clone(push.body[:len(push.body)-1]), `,"more":"`...)
	large = append(append(large, bytes.Repeat([]byte("x"), 26<<20-len(large)-2)...), `"}`...)
	form := []byte("payload=%7B%22ref%22%3A%22refs%2Fheads%2Fmain%22%7D")
	for name, c := range map[string]struct {
		sent capture
		want int
	}{
		"unsigned":          {push.with("X-Hub-Signature-256", ""), http.StatusUnauthorized},
		"signed by SHA-1":   {push.with("X-Hub-Signature-256", "").with("X-Hub-Signature", "sha1="+signature[7:47]), http.StatusUnauthorized},
		"short signature":   {push.with("X-Hub-Signature-256", signature[:40]), http.StatusUnauthorized},
		"forged":            {push.signed("a secret that somebody has guessed", push.body), http.StatusUnauthorized},
		"no secret at all":  {push.signed("", push.body), http.StatusUnauthorized},
		"another body":      {push.signed(hookSecret, append(slices.Clone(push.body), ' ')).with("X-Hub-Signature-256", signature), 0},
		"truncated":         {capture{push.header, push.body[:len(push.body)/2]}, http.StatusUnauthorized},
		"truncated, signed": {push.signed(hookSecret, push.body[:bytes.Index(push.body, []byte(`"ref"`))]), http.StatusBadRequest},
		"form of nobody":    {push.signed(hookSecret, form).with("Content-Type", "application/x-www-form-urlencoded"), http.StatusAccepted},
		"form that is none": {push.signed(hookSecret, form).with("Content-Type", "application/json"), http.StatusBadRequest},
		"form of nothing":   {push.signed(hookSecret, []byte("a=b")).with("Content-Type", "application/x-www-form-urlencoded"), http.StatusBadRequest},
		"nothing":           {push.signed(hookSecret, nil), http.StatusBadRequest},
		"26 MB":             {push.signed(hookSecret, large), http.StatusRequestEntityTooLarge},
		"26 MB, unsigned":   {capture{push.header, large}.with("X-Hub-Signature-256", ""), http.StatusRequestEntityTooLarge},
		"names nobody":      {push.signed(hookSecret, []byte(`{"ref":"refs/heads/main"}`)), http.StatusAccepted},
	} {
		if c.want == 0 {
			c.sent.body, c.want = append(slices.Clone(push.body), ' '), http.StatusUnauthorized
		}
		if got := s.post(c.sent); got != c.want {
			t.Errorf("%s: answered %d, want %d", name, got, c.want)
		}
	}
	for method, want := range map[string]int{
		http.MethodGet: http.StatusMethodNotAllowed, http.MethodPut: http.StatusMethodNotAllowed, http.MethodDelete: http.StatusMethodNotAllowed,
	} {
		if got, _, err := push.send(s.gate.client, method, "http://"+address+"/webhook"); err != nil || got != want {
			t.Errorf("%s: answered %d, %v", method, got, err)
		}
	}
	if got, _, err := push.send(s.gate.client, http.MethodPost, "http://"+address+"/elsewhere"); err != nil || got != http.StatusNotFound {
		t.Errorf("another path: answered %d, %v", got, err)
	}
	s.cutOff(push)

	if n := s.looks() - before; n > 0 || len(s.ran()) != 1 {
		t.Errorf("%d looks, %v ran\n%s", n, s.ran(), s.story())
	}
	if got := s.post(push); got != http.StatusAccepted {
		t.Errorf("the real one was answered %d", got)
	}
	s.awaitStatus(second, "success")
	s.agent.stop()
	s.wantRan(s.first, second)
	if n := s.count("webhook refused"); n < 1 || n > 3 { // one line a minute
		t.Errorf("%d lines of refused webhooks\n%s", n, s.story())
	}
}

// cutOff promises a body and ends in the middle of it.
func (s *hookScene) cutOff(c capture) {
	s.t.Helper()
	conn := s.dial()
	half := c.request()
	if _, err := conn.Write(half[:len(half)-100]); err != nil {
		s.t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		s.t.Fatal(err)
	}
	if got := statusOf(s.t, conn); got != http.StatusBadRequest {
		s.t.Errorf("cut off: answered %d", got)
	}
}

func TestSlowClientsAreLetGo(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	slow := make([]net.Conn, 20)
	for i := range slow {
		slow[i] = s.dial()
		if _, err := slow[i].Write([]byte("POST /webhook HTTP/1.1\r\nHost: kitops\r\nX-A: ")); err != nil {
			t.Fatal(err)
		}
	}
	second, d := s.push() // the others are served meanwhile
	s.wantStatus(d, http.StatusAccepted)
	s.awaitStatus(second, "success")
	for _, conn := range slow {
		if got := statusOf(t, conn); got != 0 && got != http.StatusRequestTimeout && got != http.StatusBadRequest {
			t.Errorf("answered %d", got)
		}
	}
	s.agent.stop()
}

// TestReplaysAreBounded sends one real delivery again and again.
func TestReplaysAreBounded(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	second, _ := s.push()
	s.awaitStatus(second, "success")
	push := s.gate.captured()
	begun, before := time.Now(), s.looks()
	if got := s.post(push); got != http.StatusAccepted {
		t.Errorf("answered %d", got)
	}
	s.await("the look that one replay causes", func() bool { return s.looks() > before })
	for range 100 {
		if got := s.post(push.with("X-GitHub-Delivery", "")); got != http.StatusAccepted {
			t.Errorf("answered %d", got)
		}
	}
	third, _ := s.push()
	s.awaitStatus(third, "success")
	looks, most := s.looks()-before, 10+int(time.Since(begun)/(time.Second/5))+2 // five a second of signed ones, before and after the run
	s.agent.stop()
	if looks > most {
		t.Errorf("%d looks, want at most %d", looks, most)
	}
	s.wantRan(s.first, second, third)
}

func TestWebhookSecretsAreRotated(t *testing.T) {
	const next = "another secret, which comes next"
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	s.push()
	push := s.gate.captured()
	post := func(secret string, want int) {
		t.Helper()
		if got := s.post(push.signed(secret, push.body)); got != want {
			t.Errorf("answered %d, want %d", got, want)
		}
	}
	post(next, http.StatusUnauthorized)
	s.rewrite("hook.secret", "\n"+hookSecret+"\n\n"+next+"\n")
	post(hookSecret, http.StatusAccepted)
	post(next, http.StatusAccepted)
	s.rewrite("hook.secret", "\n\n") // nobody gets in by an empty one
	post(next, http.StatusAccepted)
	post("", http.StatusUnauthorized)
	s.rewrite("hook.secret", next)
	post(hookSecret, http.StatusUnauthorized)
	post(next, http.StatusAccepted)
	s.agent.stop()
	wantWords(t, s.story(), "webhook secrets stay as they were", "webhook secrets read again")
	s.findWords(next)
}

func TestShutdownWhileADeliveryArrives(t *testing.T) {
	s := newHookScene(t)
	s.serveShop(s.listening()...)
	s.push()
	push := s.gate.captured()
	conn, whole := s.dial(), push.with("Expect", "100-continue").request()
	head := len(whole) - len(push.body)
	if _, err := conn.Write(whole[:head]); err != nil {
		t.Fatal(err)
	}
	if got := statusOf(t, conn); got != http.StatusContinue { // it waits for the body
		t.Fatalf("answered %d", got)
	}
	begun := time.Now()
	stopped := make(chan struct{})
	go func() { s.agent.stop(); close(stopped) }()
	s.agent.says("msg=.stopping", 1)
	_, _ = conn.Write(whole[head:]) // too late when the machine was busy for seconds
	if got := statusOf(t, conn); got != http.StatusAccepted && time.Since(begun) < 4*time.Second {
		t.Errorf("answered %d\n%s", got, s.story())
	}
	<-stopped
	if _, err := net.Dial("tcp", s.gate.address); err == nil {
		t.Error("somebody still listens")
	}
}

func TestPortIsTaken(t *testing.T) {
	s := newHookScene(t)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	args := slices.Concat(s.tasks(watchShop), s.listening(), []string{"--listen", taken.Addr().String()}, s.memory())
	out := s.ends(exitFailure, args...)
	wantWords(t, out, "kitops: --listen: ", taken.Addr().String(), "in use")
	if len(s.ran()) > 0 || strings.Contains(out, "run started") {
		t.Errorf("ran %v\n%s", s.ran(), out)
	}
}
