package api_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller"
)

// events reads a stream until it ends, or so many messages have come; it returns the text and the last id.
func (a *agent) events(run, from string, most int) (text, id string, ended bool) {
	a.t.Helper()
	ctx, cancel := context.WithCancel(a.t.Context())
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+"/api/v1/runs/"+run+"/log", http.NoBody)
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	if from != "" {
		req.Header.Set("Last-Event-ID", from)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if kind := resp.Header.Get("Content-Type"); kind != "text/event-stream" || resp.Header.Get("X-Accel-Buffering") != "no" {
		a.t.Errorf("the stream is %s, %v", kind, resp.Header)
	}
	id = from
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if value, is := strings.CutPrefix(lines.Text(), "id: "); is {
			id = value
		}
		ended = ended || lines.Text() == "event: end"
		if data, is := strings.CutPrefix(lines.Text(), "data: "); is && !ended {
			var message struct{ Text string }
			if err := json.Unmarshal([]byte(data), &message); err != nil {
				a.t.Fatal(err)
			}
			text += message.Text
			if most--; most == 0 {
				return text, id, false
			}
		}
	}
	return text, id, ended
}

// TestStreamsGoOnWhereTheyWereCut cuts a stream again and again while a run prints.
func TestStreamsGoOnWhereTheyWereCut(t *testing.T) {
	a := serve(t)
	r := a.begin("r1")
	var want bytes.Buffer
	printed := make(chan struct{})
	go func() {
		defer close(printed)
		for i := range 3000 {
			line := fmt.Sprintf("line %d, grüße ☕\n", i)
			want.WriteString(line)
			half := len(line) / 2 // in the middle of a character, sometimes
			a.print(r, line[:half])
			a.print(r, line[half:])
		}
		a.history.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: r})
	}()
	var got, id string
	for ended := false; !ended; {
		var text string
		text, id, ended = a.events("r1", id, 1)
		got += text
		if offset, err := strconv.Atoi(id); err != nil || offset != len(got) {
			t.Fatalf("the id is %q after %d bytes", id, len(got))
		}
	}
	<-printed
	if got != want.String() {
		t.Errorf("%d bytes have come of %d", len(got), want.Len())
	}
	if status, body := a.ask("GET", "runs/r1/log?follow"); status != 200 || body != want.String() {
		t.Errorf("followed as text: %d, %d bytes", status, len(body))
	}
	if status, body := a.ask("GET", "runs/r1/log", "Accept", "text/event-stream", "Last-Event-ID", "-3"); status != 400 {
		t.Errorf("%d %s", status, body)
	}
}
