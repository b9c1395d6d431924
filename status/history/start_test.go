package history_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

// TestOutputOpenedAtTheStartWaits opens it as soon as the run is known, again and again.
func TestOutputOpenedAtTheStartWaits(t *testing.T) {
	d := open(t, t.TempDir(), history.DefaultKeep())
	for i := range 100 {
		r := run(fmt.Sprintf("20260504t120000-%010d", i))
		d.tell(poller.Started, r)
		for {
			if _, err := d.Run(t.Context(), r.ID); err == nil {
				break
			}
			if t.Context().Err() != nil {
				t.Fatal("the run never appears")
			}
		}
		out, err := d.Output(t.Context(), r.ID)
		if err != nil {
			t.Fatalf("run %d: %v", i, err)
		}
		if size, ended, err := out.Size(); ended || size > 0 || err != nil {
			t.Errorf("run %d has ended: %d, %v", i, size, err)
		}
		if err := out.Close(); err != nil {
			t.Error(err)
		}
		d.tell(poller.Finished, ended(r, poller.Success, ""))
	}
}

// TestRunsOfALivingAgentAreNotCutOff reads the history of an agent that cannot be asked, and again when it has ended.
func TestRunsOfALivingAgentAreNotCutOff(t *testing.T) {
	t.Parallel()
	d := open(t, t.TempDir(), history.DefaultKeep())
	r := run("20260504t120000-aaaaaaaaaa")
	d.tell(poller.Started, r)
	for _, err := d.Run(t.Context(), r.ID); err != nil; _, err = d.Run(t.Context(), r.ID) {
		if t.Context().Err() != nil {
			t.Fatal("the run never appears")
		}
	}
	outcome := func() string {
		t.Helper()
		left, err := history.Read(d.dir)
		if err != nil {
			t.Fatal(err)
		}
		defer left.Close(time.Minute)
		found, err := left.Run(t.Context(), r.ID)
		if err != nil {
			t.Fatal(err)
		}
		return found.Outcome
	}
	for range 2 { // who reads does not take the place of the agent
		if got := outcome(); got != "running" {
			t.Errorf("while the agent lives: %s", got)
		}
	}
	d.Close(time.Minute)
	if got := outcome(); got != "error" {
		t.Errorf("when it has ended: %s", got)
	}
}
