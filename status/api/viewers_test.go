package api_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// TestManyViewers has them follow one run by connections of their own, some of them from the middle. All of them
// get every byte, for less than 100 kB each, with the tests' own ends of the connections.
func TestManyViewers(t *testing.T) {
	viewers := 200
	if testing.Short() {
		viewers = 50
	}
	a := serve(t)
	r := a.begin("r1")
	a.print(r, strings.Repeat("before\n", 1000))
	address := strings.TrimPrefix(a.url, "http://")
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	follow := func(from int) (*bufio.Reader, net.Conn) {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /api/v1/runs/r1/log?follow HTTP/1.0\r\nHost: kitops\r\nLast-Event-ID: %d\r\n\r\n", from)
		reader := bufio.NewReaderSize(conn, 512)
		for line := "-"; strings.TrimSpace(line) != ""; { // the head of the answer
			if line, err = reader.ReadString('\n'); err != nil {
				t.Fatal(err)
			}
		}
		return reader, conn
	}
	const line = "a line that a run prints while many look on\n"
	const lines = 500
	text := strings.Repeat(line, lines)
	var reading sync.WaitGroup
	wrong := make(chan string, viewers)
	for n := range viewers {
		from := 7000 * (n % 2)
		reader, conn := follow(from)
		defer func() { _ = conn.Close() }()
		reading.Go(func() {
			size := 0
			buf := make([]byte, 512)
			for {
				n, err := reader.Read(buf)
				size += n
				if err != nil {
					break
				}
			}
			if want := 7000 - from + len(text); size != want {
				wrong <- fmt.Sprintf("%d bytes of %d", size, want)
			}
		})
	}
	for range lines {
		a.print(r, line)
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	cost := int64(during.HeapInuse+during.StackInuse) - int64(before.HeapInuse+before.StackInuse)
	a.end(r)
	reading.Wait()
	close(wrong)
	for text := range wrong {
		t.Error(text)
	}
	t.Logf("%d viewers cost %d kB", viewers, cost>>10)
	if cost > int64(viewers)*100<<10 {
		t.Errorf("%d viewers cost %d MB", viewers, cost>>20)
	}
}

// stuck is a viewer who reads so many bytes, and then nothing any more.
type stuck struct {
	*httptest.ResponseRecorder
	left  int
	until time.Time
}

func (w *stuck) SetWriteDeadline(t time.Time) error {
	w.until = t
	return nil
}

func (w *stuck) Write(p []byte) (int, error) {
	if w.left -= len(p); w.left < 0 {
		time.Sleep(time.Until(w.until))
		return 0, os.ErrDeadlineExceeded
	}
	return w.ResponseRecorder.Write(p)
}

// reader is a viewer whose answer is read while it is written.
type reader struct {
	*httptest.ResponseRecorder
	mu sync.Mutex
}

func (w *reader) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ResponseRecorder.Write(p)
}

func (w *reader) text() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Body.String()
}

// TestWhoDoesNotReadIsCutOff has one who reads nothing any more beside one who does: the run and the other one
// are not held up, and the one who was cut off gets the rest later.
func TestWhoDoesNotReadIsCutOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		h := history.New(t.Context(), t.TempDir(), history.DefaultKeep(), "build-1", log)
		defer h.Close(time.Minute)
		r := poller.Run{ID: "r1", Task: "shop", Started: time.Now()}
		h.Observe(poller.Event{Kind: poller.Started, Task: r.Task, Run: r})
		served := (&api.API{History: h, Log: log}).Handler()
		follow := func(ctx context.Context, w http.ResponseWriter, from string) <-chan struct{} {
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				request := httptest.NewRequestWithContext(ctx, http.MethodGet, "/api/v1/runs/r1/log?follow", http.NoBody)
				request.Header.Set("Last-Event-ID", from)
				served.ServeHTTP(w, request)
			}()
			return ended
		}
		synctest.Wait()
		bad, good := &stuck{ResponseRecorder: httptest.NewRecorder(), left: 500}, &reader{ResponseRecorder: httptest.NewRecorder()}
		cut, whole := follow(t.Context(), bad, ""), follow(t.Context(), good, "")
		var printed strings.Builder
		begin := time.Now()
		for n := range 100 {
			text := fmt.Sprintf("line %d\n", n)
			printed.WriteString(text)
			h.Observe(poller.Event{Kind: poller.Printed, Task: r.Task, Run: r, Data: []byte(text)})
			time.Sleep(50 * time.Millisecond)
		}
		if took := time.Since(begin); took > 6*time.Second {
			t.Errorf("the run was held up: %s", took)
		}
		if got := len(good.text()); got < printed.Len()-100 {
			t.Errorf("the other one has %d bytes of %d", got, printed.Len())
		}
		<-cut
		if took := time.Since(begin); took > 15*time.Second {
			t.Errorf("cut off after %s", took)
		}
		rest := httptest.NewRecorder()
		again := follow(t.Context(), rest, fmt.Sprint(bad.Body.Len()))
		r.Outcome, r.Finished = poller.Success, time.Now()
		h.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: r})
		<-whole
		<-again
		if bad.Body.String()+rest.Body.String() != printed.String() || good.text() != printed.String() {
			t.Errorf("%q, then %q", bad.Body, rest.Body)
		}
	})
}

// BenchmarkLiveLog has ten viewers follow a run that prints as fast as it can, and tells how fast they get it.
func BenchmarkLiveLog(b *testing.B) {
	log := slog.New(slog.DiscardHandler)
	h := history.New(b.Context(), b.TempDir(), history.DefaultKeep(), "build-1", log)
	defer h.Close(time.Minute)
	server := httptest.NewServer((&api.API{History: h, Log: log}).Handler())
	defer server.Close()
	line := []byte(strings.Repeat("x", 999) + "\n")
	const lines = 5_000 // as much as may wait to be written
	b.SetBytes(int64(lines * len(line)))
	for n := 0; b.Loop(); n++ {
		r := poller.Run{ID: fmt.Sprint("r", n), Task: "shop", Started: time.Now()}
		h.Observe(poller.Event{Kind: poller.Started, Task: r.Task, Run: r})
		for _, err := h.Output(b.Context(), r.ID); err != nil; _, err = h.Output(b.Context(), r.ID) {
			runtime.Gosched()
		}
		var reading sync.WaitGroup
		for range 10 {
			resp, err := http.Get(server.URL + "/api/v1/runs/" + r.ID + "/log?follow")
			if err != nil {
				b.Fatal(err)
			}
			reading.Go(func() {
				defer func() { _ = resp.Body.Close() }()
				if n, err := io.Copy(io.Discard, resp.Body); n < int64(lines*len(line)) || err != nil {
					b.Errorf("%d bytes, %v", n, err)
				}
			})
		}
		for range lines {
			h.Observe(poller.Event{Kind: poller.Printed, Task: r.Task, Run: r, Data: line})
		}
		r.Outcome, r.Finished = poller.Success, time.Now()
		h.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: r})
		reading.Wait()
	}
}
