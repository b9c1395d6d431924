package webhook

import (
	"testing"
	"time"
)

func TestWhatDeliveriesMayBeAbout(t *testing.T) {
	for _, c := range []struct {
		event, action string
		about         subject
	}{
		{"push", "", aRepository},
		{"repository", "renamed", aRepository},
		{"pull_request", "synchronize", aRepository},
		{"pull_request", "labeled", nothing},
		{"installation", "deleted", anInstallation},
		{"star", "created", nothing},
		{"", "", nothing},
	} {
		want(t, c.event+" "+c.action, delivery{Event: c.event, Action: c.action}.about(), c.about)
	}
}

func TestPace(t *testing.T) {
	now := time.Unix(1_000_000, 0)
	plain := func(d time.Duration) time.Duration { return d }
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for name, c := range map[string]struct {
		quiet int
		b     budget
		want  time.Duration
	}{
		"without limits":           {0, budget{}, 10 * time.Second},
		"with plenty":              {0, budget{5000, 4000, in(time.Hour)}, 10 * time.Second},
		"shared by many":           {0, budget{5000, 560, in(time.Hour)}, time.Minute},
		"only the reserve is left": {0, budget{5000, 400, in(time.Hour)}, time.Hour},
		"nothing is left":          {0, budget{5000, 0, in(time.Minute)}, time.Minute},
		"the reset is over":        {0, budget{5000, 0, in(-time.Minute)}, 10 * time.Second},
		"the endpoint works":       {2, budget{}, 40 * time.Second},
		"the endpoint works well":  {50, budget{}, maxQuiet},
	} {
		p := pace{interval: 10 * time.Second, quiet: c.quiet, spread: plain}
		want(t, name, p.afterRead(c.b, now), c.want)
	}
	p := pace{interval: 10 * time.Second, spread: plain}
	for _, wanted := range []time.Duration{20, 40, 80, 160, 300, 300} {
		want(t, "after failures", p.afterFailure(), wanted*time.Second)
	}
	for _, wanted := range []time.Duration{5, 10, 20, 40, 60, 60} {
		want(t, "without a webhook", p.afterNoHook(), wanted*time.Minute)
	}
	want(t, "limited", p.afterLimit(in(time.Hour), now), time.Hour)
	want(t, "limited until just now", p.afterLimit(now, now), 10*time.Second)
	slow := pace{interval: time.Hour, quiet: 3, failures: 3, spread: plain}
	want(t, "long interval", slow.afterRead(budget{}, now), time.Hour)
	want(t, "long interval, failing", slow.afterFailure(), time.Hour)
	if s := spread(time.Minute); s < time.Minute || s > 66*time.Second {
		t.Errorf("a minute spread to %s", s)
	}
}

func FuzzDeliveries(f *testing.F) {
	f.Add([]byte(`[{"id":1,"guid":"g","delivered_at":"2026-01-01T00:00:00Z","event":"push","action":null,"repository_id":7}]`))
	f.Add([]byte(`{"guid":"g","event":"push","request":{"headers":{},"payload":` + pushJSON + `}}`))
	f.Add([]byte(`[{"id":-1},null,{"id":1e99}]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := parseDeliveries(body)
		if err != nil && page != nil {
			t.Errorf("%v, but %v", err, page)
		}
		for _, d := range page {
			if d.ID <= 0 || d.DeliveredAt.IsZero() {
				t.Errorf("%+v", d)
			}
			d.about()
		}
		if e, err := parseDelivery(body); err != nil && e.matters() {
			t.Errorf("%v, but %+v", err, e)
		}
	})
}
