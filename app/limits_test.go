package app_test

import (
	"net/http"
	"strconv"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

func TestLimitsPauseOneInstallation(t *testing.T) {
	tooMuch := "You have exceeded a secondary rate limit. Please wait a few minutes before you try again."
	cases := map[string]struct {
		effect    apptest.Effect
		secondary bool
		wait      time.Duration
	}{
		"429 bare":              {apptest.Fail(429, ""), true, time.Minute},
		"429 with Retry-After":  {apptest.Fail(429, "", "Retry-After", "300"), true, 5 * time.Minute},
		"403 with Retry-After":  {apptest.Fail(403, "", "Retry-After", "300"), true, 5 * time.Minute},
		"403 secondary":         {apptest.Fail(403, tooMuch), true, time.Minute},
		"403 secondary, resets": {apptest.Fail(403, tooMuch, "X-RateLimit-Remaining", "17", "X-RateLimit-Reset", unix(time.Hour)), true, time.Minute},
		"403 primary":           {apptest.Fail(403, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", unix(20*time.Minute)), false, 20 * time.Minute},
		"429 primary":           {apptest.Fail(429, "", "X-RateLimit-Remaining", "0", "X-RateLimit-Reset", unix(20*time.Minute)), false, 20 * time.Minute},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			s.AddRepository("mona", "diary", apptest.RepositoryOptions{Private: true}).Push("main", nil)
			s.github.Install("mona", nil)
			s.wantMain()
			s.Inject(apptest.Filter{ID: s.installation.ID}, 0, c.effect)
			s.Reset()
			before := time.Now()
			for range 5 {
				err := s.headsError("refs/heads/main")
				wantError[*app.LimitError](t, err, "acme", "paused until")
				e := as[*app.LimitError](t, err)
				if wait := e.Until.Sub(before); e.Secondary != c.secondary || wait < c.wait-45*time.Second || wait > c.wait+time.Minute {
					t.Errorf("got secondary %v and %v, want %v and %v", e.Secondary, wait, c.secondary, c.wait)
				}
				wantError[*app.LimitError](t, s.post("success"))
			}
			if n := s.total(); n != 1 {
				t.Errorf("%d requests, want 1", n)
			}
			s.log.want(t, "rate limit is reached", 1)
			if heads, err := s.app.Repository("mona", "diary").Heads(t.Context(), []string{"HEAD"}); err != nil || len(heads) != 1 {
				t.Errorf("another installation: %v, %v", heads, err)
			}
		})
	}
}

func unix(d time.Duration) string { return strconv.FormatInt(time.Now().Add(d).Unix(), 10) }

func TestTheLastRequestOfAnHourIsNoticed(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.Advance(-2 * time.Hour) // resets are told in GitHub's time
	s.wantMain()
	s.installation.SetRemaining(1)
	s.shop.Push("main", nil)
	s.wantMain()
	s.Reset()
	err := s.headsError("refs/heads/main")
	wantError[*app.LimitError](t, err)
	e := as[*app.LimitError](t, err)
	if wait := time.Until(e.Until); wait < 50*time.Minute || wait > 61*time.Minute || e.Secondary {
		t.Errorf("paused for %v, want an hour", wait)
	}
	if s.total() != 0 {
		t.Error("asked all the same")
	}
}

func TestThePauseEnds(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.wantMain()
	s.Inject(apptest.Filter{Auth: apptest.AsInstallation}, 1, apptest.Fail(http.StatusTooManyRequests, "", "Retry-After", "0"))
	wantError[*app.LimitError](t, s.headsError("refs/heads/main"))
	s.wantMain()
}

// Hosts behind one router whose clocks are wrong, or whose credentials are refused, use up the limit of their address.
// That pauses nobody whom GitHub recognises.
func TestTheLimitOfAnAddressIsNotTheApps(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.Advance(2 * time.Hour)
	for range 70 {
		heads, err := s.newApp().Repository("acme", "shop").Heads(t.Context(), []string{"refs/heads/main"})
		if s.clean(err) != nil || len(heads) != 1 {
			t.Fatalf("got %v, %v", heads, err)
		}
	}
	s.log.want(t, "rate limit is reached", 0)
	stranger := s.newApp(func(o *app.Options) { o.ID = "Iv1.unknown" })
	_, err := stranger.Repository("acme", "shop").Heads(t.Context(), []string{"refs/heads/main"})
	wantError[*app.SetupError](t, s.clean(err), "refuses the credentials", "rate limit exceeded for 127.0.0.1")
}
