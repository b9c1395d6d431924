package webhook

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestEndpointAnswers(t *testing.T) {
	s := open(t, nil)
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	form := "payload=" + url.QueryEscape(pushJSON)
	formType := func(value string) func(*http.Request) { return set("Content-Type", value) }
	for _, c := range []struct {
		name, body string
		change     func(*http.Request)
		status     int
		events     int
	}{
		{"signed", pushJSON, nil, 202, 1},
		{"replayed", pushJSON, nil, 202, 1},
		{"unsigned", pushJSON, func(r *http.Request) { r.Header.Del(signatureHeader) }, 401, 0},
		{"forged", pushJSON, set(signatureHeader, sign("not the secret it should be", pushJSON)), 401, 0},
		{"signed with nothing", pushJSON, set(signatureHeader, sign("", pushJSON)), 401, 0},
		{"signed with SHA-1", pushJSON, set(signatureHeader, "sha1=0123456789012345678901234567890123456789"), 401, 0},
		{"truncated", pushJSON[:50], set(signatureHeader, sign(secret, pushJSON)), 401, 0},
		{"truncated before it was signed", pushJSON[:50], nil, 400, 0},
		{"form", form, formType("application/x-www-form-urlencoded"), 202, 1},
		{"form with a parameter", "a=b&" + form + "&c=d", formType("Application/X-WWW-Form-URLencoded ; charset=UTF-8"), 202, 1},
		{"form signed without its name", form, func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set(signatureHeader, sign(secret, pushJSON))
		}, 401, 0},
		{"form without a payload", "a=b", formType("application/x-www-form-urlencoded"), 400, 0},
		{"form that is cut off", form[:len(form)-1], formType("application/x-www-form-urlencoded"), 400, 0},
		{"form of no JSON", "payload=%7", formType("application/x-www-form-urlencoded"), 400, 0},
		{"form of a wrong escape", "payload=%7B%\x17D", formType("application/x-www-form-urlencoded"), 400, 0},
		{"form that says JSON", form, nil, 400, 0},
		{"JSON with a parameter", pushJSON, formType("application/json; charset=utf-8"), 202, 1},
		{"JSON of no type", pushJSON, func(r *http.Request) { r.Header.Del("Content-Type") }, 202, 1},
		{"unsigned form", form, func(r *http.Request) { r.Header.Del(signatureHeader) }, 401, 0},
		{"empty", "", nil, 400, 0},
		{"ping", `{"zen":"calm"}`, set("X-GitHub-Event", "ping"), 200, 0},
		{"ignored", `{}`, set("X-GitHub-Event", "star"), 202, 0},
		{"ignored and malformed", `{`, set("X-GitHub-Event", "star"), 400, 0},
		{"of no repository", `{}`, nil, 202, 0},
		{"26 MB", strings.Repeat("x", 26<<20), nil, 413, 0},
		{"26 MB in chunks", strings.Repeat("x", 26<<20), func(r *http.Request) { r.ContentLength = -1 }, 413, 0},
		{"25 MB", `{"a":"` + strings.Repeat("x", 25<<20-8) + `"}`, nil, 202, 0},
		{"by GET", "", func(r *http.Request) { r.Method = http.MethodGet }, 405, 0},
		{"by PUT", pushJSON, func(r *http.Request) { r.Method = http.MethodPut }, 405, 0},
		{"elsewhere", pushJSON, func(r *http.Request) { r.URL.Path = "/" }, 404, 0},
	} {
		status, text, _ := s.ask(t, s.request(t, c.body, c.change))
		want(t, c.name+" ("+strings.TrimSpace(text)+")", status, c.status)
		for range c.events {
			e := receive(t, "event of "+c.name, s.events)
			want(t, c.name, e.Nudges, []Nudge{{shopURL, 7, "refs/heads/main", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"}})
			want(t, c.name, e.GUID, "a-guid")
			want(t, c.name, e.Verified && time.Since(e.At) < patient, true)
		}
		if len(s.events) > 0 {
			t.Errorf("%s: nudged", c.name)
		}
	}
	want(t, "the delivery is known", s.o.Seen.Has("a-guid"), true)
	want(t, "bytes in flight", s.intake.taken.Load(), 0)
	if n := strings.Count(s.log.String(), "webhook refused"); n != 1 {
		t.Errorf("%d lines of refusals in a minute", n)
	}
	for _, leak := range []string{secret, sign(secret, pushJSON)[10:30]} {
		if strings.Contains(s.log.String(), leak) {
			t.Errorf("%q is in the log", leak)
		}
	}
}

func TestWrongMethodIsToldWhichIsRight(t *testing.T) {
	s := open(t, nil)
	_, _, header := s.ask(t, s.request(t, "", func(r *http.Request) { r.Method = http.MethodGet }))
	if !strings.Contains(header.Get("Allow"), http.MethodPost) {
		t.Errorf("Allow: %q", header.Get("Allow"))
	}
}

func TestEveryPayloadIsAccepted(t *testing.T) {
	s := open(t, nil)
	for file, body := range payloads(t) {
		status, _, _ := s.ask(t, s.request(t, string(body), func(r *http.Request) { r.Header.Set("X-GitHub-Event", eventName(file)) }))
		if eventName(file) == "ping" {
			status += 2
		}
		want(t, file, status, 202)
	}
}

func TestWithoutSecretsOnlyHealthIsServed(t *testing.T) {
	s := open(t, func(s *Server) { s.o.Secrets = nil })
	status, text, _ := s.ask(t, s.request(t, pushJSON, func(r *http.Request) { r.Header.Set(signatureHeader, sign("", pushJSON)) }))
	want(t, "webhook", status, 404)
	if !strings.Contains(text, "no webhook secret") {
		t.Errorf("it does not say why: %q", text)
	}
	status, _, _ = s.ask(t, s.request(t, "", func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/healthz" }))
	want(t, "health", status, 200)
}

func TestSlowLorisIsCutOff(t *testing.T) {
	s := open(t, func(s *Server) { s.times.header, s.times.request = 200*time.Millisecond, 400*time.Millisecond })
	for name, sent := range map[string]string{
		"in the header": "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Slow: ",
		"in the body": "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n" + signatureHeader + ": " +
			sign(secret, pushJSON) + "\r\n\r\n{",
		"before a word": "",
	} {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, sent); err != nil {
			t.Fatal(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(patient))
		answer, err := io.ReadAll(conn) // ends when the server hangs up
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("%s: the server waits", name)
		}
		if name == "in the body" && !bytes.Contains(answer, []byte(" 408 ")) {
			t.Errorf("%s: %q", name, answer)
		}
		_ = conn.Close()
	}
	want(t, "bytes in flight", s.intake.taken.Load(), 0)
	want(t, "after all that", status(s.ask(t, s.request(t, pushJSON, nil))), 202)
}

func TestCutOffBody(t *testing.T) {
	s := open(t, nil)
	conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	fmt.Fprintf(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\nX-GitHub-Event: push\r\n%s: %s\r\n\r\n%s",
		len(pushJSON), signatureHeader, sign(secret, pushJSON), pushJSON[:20])
	_ = conn.(*net.TCPConn).CloseWrite()
	_ = conn.SetReadDeadline(time.Now().Add(patient))
	resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	want(t, "status", resp.StatusCode, 400)
	want(t, "events", len(s.events), 0)
}

// A flood of large bodies meets 503, takes no more memory than allowed, and leaves nothing behind.
func TestFloodIsBounded(t *testing.T) {
	s := open(t, func(s *Server) { s.intake.limit = 4 << 20 })
	body := strings.Repeat("x", 3<<20)
	before := runtime.NumGoroutine()
	var holding sync.WaitGroup
	release := make(chan struct{})
	held := make(chan struct{}, 1)
	holding.Go(func() { // announces everything, sends most of it, and waits
		reader, writer := io.Pipe()
		req := s.request(t, body, nil)
		req.Body = reader
		go func() {
			_, _ = io.WriteString(writer, body[:len(body)-1])
			held <- struct{}{}
			<-release
			_, _ = io.WriteString(writer, body[len(body)-1:])
			_ = writer.Close()
		}()
		if resp, err := http.DefaultClient.Do(req); err != nil {
			t.Error(err)
		} else {
			want(t, "the one that was held", resp.StatusCode, 400)
			_ = resp.Body.Close()
		}
	})
	receive(t, "held body", held)
	deadline := time.Now().Add(patient)
	for s.intake.taken.Load() < 3<<20 && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	for range 20 {
		code, _, header := s.ask(t, s.request(t, body, nil))
		want(t, "flood", code, 503)
		want(t, "flood", header.Get("Retry-After") != "", true)
	}
	if taken := s.intake.taken.Load(); taken > s.intake.limit {
		t.Errorf("%d bytes in flight", taken)
	}
	close(release)
	holding.Wait()
	http.DefaultClient.CloseIdleConnections()
	want(t, "bytes in flight", s.intake.taken.Load(), 0)
	want(t, "a small one", status(s.ask(t, s.request(t, pushJSON, nil))), 202)
	if after := runtime.NumGoroutine(); after > before+50 {
		t.Errorf("%d goroutines after %d", after, before)
	}
}
