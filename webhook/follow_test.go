package webhook

import (
	"net/http"
	"testing"
	"testing/synctest"
	"time"
)

// TestClickIsAskedForUntilItIsHad: without its payload a click is nothing, so a hint does not do; a restart in between neither.
func TestClickIsAskedForUntilItIsHad(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) {
			r.fail = func(path string) *http.Response {
				if path == "/deliveries/2" {
					return respond(502, "", nil)
				}
				return nil
			}
		})
		r.deliver(1, "push", 0)
		r.deliver(2, "check_run", 0)
		r.set(func() { r.entries[1].Action = "rerequested" })
		r.deliver(3, "push", 0)
		elapse(time.Minute)
		want(t, "told", r.told(), []string{"guid-1", "guid-3"})
		want(t, "saved, so that a restart reads it", r.saved, 1)
		r.set(func() { r.fail = nil })
		elapse(time.Minute)
		want(t, "told afterwards", r.told(), []string{"guid-2"})
		want(t, "saved afterwards", r.saved, 3)
		asked := r.count("/deliveries/2")
		elapse(time.Hour)
		want(t, "asked for once it is had", r.count("/deliveries/2"), asked)

		r.set(func() {
			r.fail = func(path string) *http.Response {
				if path == "/deliveries/4" {
					return respond(404, "", nil)
				}
				return nil
			}
		})
		r.deliver(4, "check_run", 0)
		r.set(func() { r.entries[3].Action = "rerequested" })
		elapse(24 * time.Hour)
		want(t, "tries of one that is never had", r.count("/deliveries/4"), maxTries)
		want(t, "saved in the end", r.saved, 4)
	})
}
