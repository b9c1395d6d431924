package history

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
)

// begun is a history with a run that has printed a line.
func begun(t *testing.T) (h *History, r poller.Run) {
	t.Helper()
	h = New(t.Context(), filepath.Join(t.TempDir(), "history"), DefaultKeep(), "", slog.New(slog.DiscardHandler))
	t.Cleanup(func() { h.Close(time.Minute) })
	r = poller.Run{ID: "20260504t120000-aaaaaaaaaa", Task: "shop", Started: time.Now()}
	h.Observe(poller.Event{Kind: poller.Started, Task: "shop", Run: r})
	h.Observe(poller.Event{Kind: poller.Printed, Task: "shop", Run: r, Data: []byte("hi\n")})
	for h.sizeOf(r.ID) == 0 {
		time.Sleep(time.Millisecond)
	}
	return h, r
}

// TestAFloodOfSeveralRunsIsBounded has a disk that does not answer while two runs print in turn.
func TestAFloodOfSeveralRunsIsBounded(t *testing.T) {
	h, r := begun(t)
	h.opening.Lock()
	defer h.opening.Unlock()
	chunk := bytes.Repeat([]byte{'x'}, 1<<20)
	for i := range 2000 {
		r.ID = []string{"20260504t120001-aaaaaaaaaa", "20260504t120002-aaaaaaaaaa"}[i%2]
		h.Observe(poller.Event{Kind: poller.Printed, Task: "shop", Run: r, Data: chunk})
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if n := len(h.queued); n > 20 {
		t.Errorf("%d events wait", n)
	}
}

// TestAnOutputEndsWithoutADatabase has the database gone, and no way to make another, when a run ends.
func TestAnOutputEndsWithoutADatabase(t *testing.T) {
	h, r := begun(t)
	out, err := h.Output(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = out.Close() }()
	h.opening.Lock()
	h.db.close()
	h.db = nil
	h.dir = filepath.Join(out.file.Name(), "nowhere")
	h.opening.Unlock()
	h.Observe(poller.Event{Kind: poller.Finished, Task: "shop", Run: r})
	if size, ended, err := out.Wait(t.Context(), 3); size != 3 || !ended || err != nil {
		t.Errorf("%d, %t, %v", size, ended, err)
	}
}

// TestADamagedDatabaseIsGivenUpWhileOthersRead is for the race detector: some read when it goes.
func TestADamagedDatabaseIsGivenUpWhileOthersRead(t *testing.T) {
	h, r := begun(t)
	read := make(chan struct{})
	go func() {
		defer close(read)
		for range 20 {
			if out, err := h.Output(t.Context(), r.ID); err == nil { // else it was closed meanwhile
				_ = out.Close()
			}
			_ = h.Remove(t.Context(), r.ID, "anna")
		}
	}()
	for range 5 {
		if _, err := h.open(t.Context()); err != nil {
			t.Fatal(err)
		}
		_ = h.setAside(&damageError{"a test"})
	}
	<-read
}

// TestWhatADiskRefusesIsCounted has a file that takes no byte.
func TestWhatADiskRefusesIsCounted(t *testing.T) {
	path := filepath.Join(t.TempDir(), "full")
	if err := os.WriteFile(path, nil, 0o400); err != nil {
		t.Fatal(err)
	}
	full, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	g := &growing{file: full, changed: make(chan struct{})}
	defer g.close()
	if err := new(History).append(g, []byte("lost\n"), time.Now()); err == nil || g.dropped != 5 {
		t.Errorf("%d bytes are missing, %v", g.dropped, err)
	}
}

// TestAHistoryMayBeDeletedAtAnyTime deletes it between two runs.
func TestAHistoryMayBeDeletedAtAnyTime(t *testing.T) {
	h, r := begun(t)
	out, err := h.Output(t.Context(), r.ID)
	if err != nil {
		t.Fatal(err)
	}
	h.Observe(poller.Event{Kind: poller.Finished, Task: "shop", Run: r})
	if _, _, err := out.Wait(t.Context(), 3); err != nil {
		t.Error(err)
	}
	if err := errors.Join(out.Close(), os.RemoveAll(h.dir)); err != nil {
		t.Fatal(err)
	}
	r.ID = "20260504t120001-aaaaaaaaaa"
	h.Observe(poller.Event{Kind: poller.Started, Task: "shop", Run: r})
	h.Observe(poller.Event{Kind: poller.Printed, Task: "shop", Run: r, Data: []byte("new\n")})
	h.Observe(poller.Event{Kind: poller.Finished, Task: "shop", Run: r})
	h.Close(time.Minute)
	text, err := os.ReadFile(filepath.Join(h.dir, outputDir, r.ID+".log"))
	if string(text) != "new\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	left, err := Read(h.dir)
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close(time.Minute)
	if runs, _, err := left.Runs(t.Context(), Filter{}); len(runs) != 1 || runs[0].ID != r.ID || err != nil {
		t.Errorf("%+v, %v", runs, err)
	}
}
