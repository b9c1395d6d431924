package history

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// TestAFloodIsCounted has a disk that does not answer: the run goes on, and its
// output says how much is missing.
func TestAFloodIsCounted(t *testing.T) {
	dir := t.TempDir()
	h := New(t.Context(), dir, DefaultKeep(), "", slog.New(slog.DiscardHandler))
	h.opening.Lock()
	r := poller.Run{ID: "20260504t120000-aaaaaaaaaa", Task: "shop", Started: time.Now(), Revision: git.Revision{Ref: "refs/heads/main"}}
	h.Observe(poller.Event{Kind: poller.Started, Task: "shop", Run: r})
	chunk := bytes.Repeat([]byte{'x'}, 1<<20)
	for range 20 {
		h.Observe(poller.Event{Kind: poller.Printed, Task: "shop", Run: r, Data: chunk})
	}
	h.opening.Unlock()
	h.Observe(poller.Event{Kind: poller.Finished, Task: "shop", Run: r})
	h.Close(time.Minute)
	text, err := os.ReadFile(filepath.Join(dir, "output", r.ID+".log"))
	if err != nil {
		t.Fatal(err)
	}
	kept := bytes.Count(text, []byte{'x'})
	if kept < 7<<20 || kept > 17<<20 || // what waits, and what the writer had taken already
		!bytes.Contains(text, missing(int64(20<<20-kept))) {
		t.Errorf("%d bytes are kept, the end is %q", kept, text[len(text)-80:])
	}
}
