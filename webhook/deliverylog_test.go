package webhook

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// An App that is not subscribed to pushes has a log without them, and that is said once.
func TestBranchesThatMoveWithoutAPushAreNoticed(t *testing.T) {
	const said = "names no push"
	synctest.Test(t, func(t *testing.T) {
		r := read(t, nil)
		r.Moved()
		r.deliver(1, "installation", 0)
		elapse(tooLate - time.Minute)
		want(t, "said too early", strings.Count(r.book.String(), said), 0)
		elapse(3 * time.Minute)
		want(t, "said", strings.Count(r.book.String(), said), 1)
		r.Moved()
		elapse(time.Hour)
		want(t, "said again", strings.Count(r.book.String(), said), 1)
	})
	synctest.Test(t, func(t *testing.T) {
		r := read(t, nil)
		elapse(time.Hour)
		want(t, "said while nothing moves", strings.Count(r.book.String(), said), 0)
		r.Moved()
		r.deliver(1, "push", 0)
		elapse(time.Hour)
		want(t, "said of one that hears", strings.Count(r.book.String(), said), 0)
	})
}

// What the App is told about its limits it passes on.
func TestLogWaitsAsLongAsTheAppMust(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var asked atomic.Int32
		read(t, func(r *reader) {
			r.Get = func(context.Context, string) (Answer, error) {
				asked.Add(1)
				return Answer{}, &LaterError{At: time.Now().Add(20 * time.Minute), Err: errors.New("paused")}
			}
		})
		elapse(19 * time.Minute)
		want(t, "requests while told to wait", asked.Load(), 1)
		elapse(5 * time.Minute)
		want(t, "requests then", asked.Load(), 2)
	})
}

func TestDeliveryThatNeverArrivedIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) { r.deliver(1, "push", time.Hour) })
		want(t, "told of what was before the start", r.told(), []string{})
		r.deliver(2, "push", 0)
		elapse(11 * time.Second)
		want(t, "events", r.events[0].Nudges, []Nudge{{shopURL, 7, "refs/heads/main", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"}})
		want(t, "told", r.told(), []string{"guid-2"})
		want(t, "saved", r.saved, 2)
		r.deliver(3, "star", 0)
		r.set(func() { r.entries[2].RepositoryID = 8 })
		before := r.count("/deliveries/")
		elapse(time.Hour)
		want(t, "told of others", r.told(), []string{})
		want(t, "payloads of others", r.count("/deliveries/")-before, 0)
		if n := r.count("/"); n < 330 || n > 375 {
			t.Errorf("%d requests in an hour", n)
		}
	})
}

func TestRestartLooksBackToTheLastSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) {
			r.saved = 3
			for id, age := range []time.Duration{100 * time.Hour, 80 * time.Hour, 70 * time.Hour, 10 * time.Hour, 9 * time.Hour, 0} {
				r.deliver(int64(id+1), "push", age)
			}
		})
		shas := []string{}
		for _, e := range r.events {
			shas = append(shas, e.Nudges[0].SHA)
		}
		want(t, "SHAs to look out for", shas, []string{"", "", "6113728f27ae82c7b1a177c8d03f9e96e0adf246"})
		want(t, "told", r.told(), []string{"guid-4", "guid-5", "guid-6"})
		want(t, "saved", r.saved, 6)
	})
}

func TestLateEntriesAndAnotherAppsMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) { r.saved = 1 << 60 })
		r.deliver(100, "push", 0)
		elapse(11 * time.Second)
		want(t, "told below a memory that is too high", r.told(), []string{"guid-100"})
		want(t, "saved", r.saved, 100)
		r.set(func() {
			r.entries = slices.Insert(r.entries, 0, delivery{ID: 99, GUID: "late", DeliveredAt: time.Now(), Event: "push", RepositoryID: 7})
		})
		elapse(11 * time.Second)
		want(t, "told of a late one", r.told(), []string{"late"})
		want(t, "saved", r.saved, 100)
	})
}

func TestManyDeliveriesCostFewRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, nil)
		before := r.count("/")
		for id := range 250 {
			r.deliver(int64(id+1), "push", 0)
		}
		elapse(11 * time.Second)
		want(t, "requests", r.count("/")-before, 3+fetchEach)
		told := r.told()
		want(t, "the last told", told[len(told)-1], "guid-250")
		want(t, "told", len(told), 250)
	})
}

func TestWhatCameByTheEndpointIsNotAskedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, nil)
		id := int64(0)
		arrive := func(seen bool) {
			id++
			if seen {
				r.Seen.Add("guid-" + strconv.FormatInt(id, 10))
			}
			r.deliver(id, "push", 0)
		}
		for range 100 {
			arrive(true)
			elapse(30 * time.Second)
		}
		want(t, "told", r.told(), []string{})
		want(t, "payloads", r.count("/deliveries/"), 0)
		before := r.count("/deliveries")
		for range 20 {
			arrive(true)
			elapse(30 * time.Second)
		}
		if n := r.count("/deliveries") - before; n > 6 {
			t.Errorf("%d reads in ten minutes while the endpoint works", n)
		}
		arrive(false)
		elapse(maxQuiet + 15*time.Second)
		want(t, "told of what did not come", len(r.told()), 1)
		before = r.count("/deliveries")
		elapse(time.Minute)
		if n := r.count("/deliveries") - before; n < 5 {
			t.Errorf("%d reads in a minute after the endpoint failed", n)
		}
	})
}

func TestAppWithoutWebhook(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) { r.hook = "" })
		elapse(10 * time.Hour)
		if n := r.count("/"); n > 16 {
			t.Errorf("%d requests in ten hours", n)
		}
		want(t, "reads", r.count("/deliveries"), 0)
		want(t, "times it is said", strings.Count(r.book.String(), "no active webhook"), 1)
		r.set(func() { r.hook = "https://kitops.invalid" })
		elapse(70 * time.Minute)
		r.deliver(1, "push", 0)
		elapse(11 * time.Second)
		want(t, "told once there is one", r.told(), []string{"guid-1"})
	})
}

func TestLimitsAndFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, nil)
		refuse := func(status int, header http.Header) {
			r.set(func() {
				r.asked = nil
				r.fail = func(string) *http.Response { return respond(status, map[string]string{"message": "no\x1b"}, header) }
			})
		}
		reset := func(after time.Duration) string { return strconv.FormatInt(time.Now().Add(after).Unix(), 10) }
		refuse(429, http.Header{"Retry-After": {"1200"}})
		elapse(20 * time.Minute)
		want(t, "requests while told to wait", r.count("/"), 1)
		refuse(403, http.Header{"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {"0"}, "X-Ratelimit-Reset": {reset(50 * time.Minute)}})
		elapse(49 * time.Minute)
		want(t, "requests until the reset", r.count("/"), 1)
		refuse(502, nil)
		elapse(time.Hour)
		if n := r.count("/"); n < 10 || n > 16 {
			t.Errorf("%d requests in an hour of failures", n)
		}
		if n := strings.Count(r.book.String(), "cannot be read"); n != 3 {
			t.Errorf("said %d times: %s", n, r.book.String())
		}
		r.deliver(9, "push", 0)
		r.set(func() { r.fail = nil })
		elapse(6 * time.Minute)
		want(t, "told afterwards", r.told(), []string{"guid-9"})
		want(t, "said that it works", strings.Count(r.book.String(), "read again"), 1)
		want(t, "control characters", strings.Contains(r.book.String(), "\x1b"), false)
	})
}

func TestPayloadThatCannotBeHadIsStillANudge(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) {
			r.fail = func(path string) *http.Response {
				if strings.HasPrefix(path, "/deliveries/") {
					return respond(429, map[string]string{"message": "slow down"}, nil)
				}
				return nil
			}
		})
		for id := range 3 {
			r.deliver(int64(id+1), "push", 0)
		}
		elapse(11 * time.Second)
		want(t, "nudge", r.events[0].Nudges, []Nudge{{RepositoryID: 7}})
		want(t, "told", len(r.told()), 3)
		want(t, "payloads asked for once it is limited", r.count("/deliveries/"), 1)
	})
}

func TestTheLimitIsMadeToLast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		header := http.Header{"X-Ratelimit-Limit": {"5000"}, "X-Ratelimit-Remaining": {"530"}}
		header.Set("X-RateLimit-Reset", strconv.FormatInt(time.Now().Add(time.Hour).Unix(), 10))
		r := read(t, func(r *reader) { r.header = header })
		elapse(50 * time.Minute)
		if n := r.count("/deliveries"); n > 60 {
			t.Errorf("%d reads with 30 to spare", n)
		}
		want(t, "times it is said", strings.Count(r.book.String(), "rate limit lasts"), 1)
	})
}

func TestMemoryThatCannotBeUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := read(t, func(r *reader) {
			r.Load = func(context.Context) (int64, error) { return 0, errors.New("torn") }
			r.Save = func(context.Context, int64) error { return errors.New("disk full") }
		})
		r.deliver(1, "push", 0)
		elapse(11 * time.Second)
		want(t, "told", r.told(), []string{"guid-1"})
		for _, said := range []string{"torn", "disk full"} {
			want(t, said, strings.Contains(r.book.String(), said), true)
		}
	})
}

func TestAPanicIsALogThatIsReadAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		r := read(t, func(r *reader) {
			get := r.Get
			r.Get = func(ctx context.Context, path string) (Answer, error) {
				if asked++; asked == 1 {
					panic("oops")
				}
				return get(ctx, path)
			}
		})
		elapse(10 * time.Minute)
		want(t, "asked again", asked > 1, true)
		want(t, "said", strings.Contains(r.book.String(), "a bug in kitops"), true)
	})
}
