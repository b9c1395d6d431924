package status_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/status"
)

// lost writes the line about dropped ones as the tests want to read it.
func lost(w io.Writer, lines int) { fmt.Fprintf(w, "%d lost\n", lines) }

// received is what a reader of numbered lines has got.
type received struct{ lines, lost, notices, last int }

// receive reads numbered lines and fails the test where one is missing that
// no line in its place tells of.
func receive(t *testing.T, from io.Reader) received {
	t.Helper()
	var r received
	gap := 0
	for lines := bufio.NewScanner(from); lines.Scan(); {
		first, text, _ := strings.Cut(lines.Text(), " ")
		number, err := strconv.Atoi(first)
		if err != nil {
			t.Fatalf("%q: %v", lines.Text(), err)
		}
		if text == "lost" {
			r.notices, r.lost, gap = r.notices+1, r.lost+number, gap+number
			continue
		}
		if number != r.last+gap+1 {
			t.Fatalf("line %d follows line %d, and %d lost ones", number, r.last, gap)
		}
		r.lines, r.last, gap = r.lines+1, number, 0
	}
	return r
}

func TestLogQueueNeverWaits(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	q := status.NewLogQueue(writer, lost)
	const written = 100_000
	text := strings.Repeat("x", 90)
	for i := range written { // returns although nobody reads
		if _, err := fmt.Fprintf(q, "%d %s\n", i+1, text); err != nil {
			t.Fatal(err)
		}
	}
	go func() { q.Close(time.Minute); _ = writer.Close() }()
	got := receive(t, reader)
	if got.lines+got.lost != written || got.lost == 0 || got.notices != 1 {
		t.Errorf("of %d lines: %+v", written, got)
	}
	if bytes := got.lines * 160; bytes > 9<<20 || bytes < 7<<20 {
		t.Errorf("%d lines waited, about %d bytes; the queue is to hold 8 MB", got.lines, bytes)
	}
}

func TestLogQueueGoesOnWhenItIsReadAgain(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	q := status.NewLogQueue(writer, lost)
	const each = 100_000
	text := strings.Repeat("x", 90)
	number := 0
	flood := func() {
		for range each {
			number++
			fmt.Fprintf(q, "%d %s\n", number, text)
		}
	}
	var all bytes.Buffer
	half := func() { // the first half is read, so there is room for more
		if _, err := io.CopyN(&all, reader, 3<<20); err != nil {
			t.Error(err)
		}
	}
	flood()
	half()
	flood()
	half()
	flood()
	go func() { q.Close(time.Minute); _ = writer.Close() }()
	if _, err := io.Copy(&all, reader); err != nil {
		t.Fatal(err)
	}
	got := receive(t, &all)
	if got.lines+got.lost != 3*each || got.notices != 3 {
		t.Errorf("of %d lines: %+v", 3*each, got)
	}
}

func TestLogQueueGivesUpOnAReaderAtTheEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		q := status.NewLogQueue(writer, lost)
		fmt.Fprintln(q, "1 x")
		began := time.Now()
		q.Close(2 * time.Second)
		if waited := time.Since(began); waited != 2*time.Second {
			t.Errorf("waited %s", waited)
		}
		fmt.Fprintln(q, "2 too late")
		_ = reader.Close() // else the queue's goroutine stays
	})
}

func TestLogQueueIsEmptyWhenItIsClosed(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	q := status.NewLogQueue(&out, lost)
	var writers sync.WaitGroup
	for i := range 8 {
		writers.Go(func() {
			for range 100 {
				fmt.Fprintf(q, "%d %s\n", i, strings.Repeat("x", 5000))
			}
		})
	}
	writers.Wait()
	q.Close(time.Minute)
	if got := strings.Count(out.String(), "x\n"); got != 800 || out.Len() != 800*5003 {
		t.Errorf("%d whole lines, %d bytes", got, out.Len())
	}
}

// faulty fails as told, and counts what it was asked.
type faulty struct {
	mu    sync.Mutex
	err   error
	calls int
	out   bytes.Buffer
}

func (f *faulty) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls++
	switch {
	case errors.Is(f.err, syscall.EAGAIN):
		f.err = nil
		n, _ := f.out.Write(p[:1])
		return n, syscall.EAGAIN
	case f.err != nil:
		return 0, f.err
	}
	return f.out.Write(p)
}

func (f *faulty) set(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func TestLogQueueCountsWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		w := &faulty{err: syscall.ENOSPC}
		q := status.NewLogQueue(w, lost)
		for i := range 3 {
			fmt.Fprintf(q, "%d x\n", i+1)
			synctest.Wait()
		}
		if w.calls != 3 {
			t.Errorf("%d writes for 3 lines", w.calls)
		}
		w.set(nil)
		fmt.Fprintln(q, "4 x")
		w.set(syscall.EAGAIN) // once: the reader is slow, and the file non-blocking
		synctest.Wait()
		fmt.Fprintln(q, "5 x")
		q.Close(time.Second)
		if got := w.out.String(); got != "3 lost\n4 x\n5 x\n" {
			t.Errorf("%q", got)
		}
	})
}

func TestLogQueueTellsInTheFormatOfTheLog(t *testing.T) {
	t.Parallel()
	reader, writer := io.Pipe()
	q := status.NewLogQueue(writer, func(w io.Writer, lines int) {
		slog.New(slog.NewTextHandler(w, nil)).Warn("dropped", "lines", lines)
	})
	log := slog.New(slog.NewTextHandler(q, nil))
	for range 100_000 {
		log.Info("line")
	}
	go func() { q.Close(time.Minute); _ = writer.Close() }()
	data, err := io.ReadAll(reader)
	if n := strings.Count(string(data), "level=WARN msg=dropped lines="); err != nil || n != 1 {
		t.Errorf("told %d times: %v", n, err)
	}
}
