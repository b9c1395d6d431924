package poller

import (
	"testing"

	"github.com/bittrance/kitops/poller/store"
)

// TestParkedWorkdirsOfASharedTask are known to their host, not to the memory that others share:
// on another host nothing is moved.
func TestParkedWorkdirsOfASharedTask(t *testing.T) {
	t.Parallel()
	k := newParkade(t, manyFiles(t), onDisk)
	k.Parks = store.NewMemory()
	k.next(t, "true")
	if moved := k.next(t, "true"); moved < parkedFiles/2 {
		t.Errorf("%d files moved", moved)
	}
	if parked := k.state(t, "deploy").Refs["refs/heads/main"].Parked; parked != nil {
		t.Errorf("the shared memory has %+v", parked)
	}
	k.Parks = store.NewMemory()
	if moved := k.next(t, "true"); moved > 0 {
		t.Errorf("%d files moved that nobody knows of here", moved)
	}
}
