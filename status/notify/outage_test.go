package notify

import (
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
)

// TestAnOutageOfADay loses nothing of the last 24 hours: what waits is told when the service is back, once, as a digest by
// its cause, whatever agent goes on by then. What is older is one line of the log.
func TestAnOutageOfADay(t *testing.T) {
	t.Parallel()
	target := Target{Kind: "slack", URLFile: file(t, "https://hooks.example.com/x")}
	for name, test := range map[string]struct {
		outage time.Duration
		told   bool
	}{"almost a day": {23 * time.Hour, true}, "more than a day": {25 * time.Hour, false}} {
		synctest.Test(t, func(t *testing.T) {
			c := &chat{down: time.Now().Add(test.outage)}
			first, _ := sender(t, target)
			first.Client = &http.Client{Transport: c}
			next, log := sender(t, target) // the agent was restarted
			next.Client = first.Client
			begun := time.Now()
			var all sync.WaitGroup
			for _, r := range many200(target.To(), "reach github.com: no route") {
				r.Run.Finished = begun
				all.Go(func() {
					for {
						s := first
						if time.Since(begun) > time.Hour {
							s = next
						}
						err := s.Report(t.Context(), r)
						var gathering *poller.GatheringError
						switch {
						case err == nil:
							return
						case errors.As(err, &gathering):
							time.Sleep(time.Until(gathering.Until))
						default:
							time.Sleep(30 * time.Second)
						}
					}
				})
			}
			all.Wait()
			text := strings.Join(c.texts, "\n")
			if test.told && (len(c.texts) > 3 || !strings.Contains(text, "tasks could not be run: reach github.com: no route")) {
				t.Errorf("%s: %q", name, c.texts)
			}
			if old := strings.Count(log.String(), "nobody could be told for a day"); !test.told && (text != "" || old != 200) {
				t.Errorf("%s: %q, %d lines", name, c.texts, old)
			}
		})
	}
}
