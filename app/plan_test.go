package app

import (
	"log/slog"
	"slices"
	"testing"
	"time"
)

func TestPlan(t *testing.T) {
	cases := map[string]struct {
		refs, literals, prefixes []string
		byDefault                bool
		requests                 int
	}{
		"literal":       {refs: []string{"refs/heads/main"}, literals: []string{"refs/heads/main"}, requests: 1},
		"twice":         {refs: []string{"refs/heads/a", "refs/heads/a"}, literals: []string{"refs/heads/a"}, requests: 1},
		"tag":           {refs: []string{"refs/tags/v1"}, prefixes: []string{"tags/v1"}, requests: 1},
		"default":       {refs: []string{"HEAD"}, byDefault: true, requests: 1},
		"pattern":       {refs: []string{"refs/heads/release/*"}, prefixes: []string{"heads/release/"}, requests: 1},
		"choices":       {refs: []string{"refs/heads/{a,b}", "refs/heads/x[12]"}, prefixes: []string{"heads/"}, requests: 1},
		"exclusions":    {refs: []string{"refs/heads/**", "!refs/heads/x", "!refs/heads/y*"}, prefixes: []string{"heads/"}, requests: 1},
		"covered":       {refs: []string{"refs/heads/r*", "refs/heads/rx", "refs/heads/s"}, literals: []string{"refs/heads/s"}, prefixes: []string{"heads/r"}, requests: 2},
		"everything":    {refs: []string{"refs/**"}, prefixes: []string{"heads/", "tags/"}, requests: 2},
		"pull requests": {refs: []string{"refs/pull/1/head"}, prefixes: []string{"pull/1/head"}, requests: 1},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			literals, prefixes, byDefault := plan(c.refs)
			if !slices.Equal(literals, c.literals) || !slices.Equal(prefixes, c.prefixes) || byDefault != c.byDefault || requests(c.refs) != c.requests {
				t.Errorf("got %v, %v, %v, %d", literals, prefixes, byDefault, requests(c.refs))
			}
		})
	}
}

func TestPace(t *testing.T) {
	look := func(owner string, n int, interval time.Duration) []Look {
		return slices.Repeat([]Look{{owner, []string{"refs/heads/main"}, interval}}, n)
	}
	cases := map[string]struct {
		looks []Look
		want  map[int]time.Duration // by index
	}{
		"few":              {look("acme", 5, time.Second), map[int]time.Duration{0: time.Second}},
		"just enough":      {look("acme", 800, time.Minute), map[int]time.Duration{0: time.Minute}},
		"1,000":            {look("acme", 1000, time.Minute), map[int]time.Duration{0: 75 * time.Second, 999: 75 * time.Second}},
		"two owners":       {append(look("acme", 700, time.Minute), look("mona", 700, time.Minute)...), map[int]time.Duration{0: time.Minute, 1399: time.Minute}},
		"owners in cases":  {append(look("acme", 500, time.Minute), look("ACME", 500, time.Minute)...), map[int]time.Duration{0: 75 * time.Second}},
		"slow ones stay":   {append(look("acme", 1000, time.Second), look("acme", 100, time.Hour)...), map[int]time.Duration{0: 75157 * time.Millisecond, 1099: time.Hour}},
		"all but the slow": {append(look("acme", 800, time.Minute), look("acme", 400, 2*time.Minute)...), map[int]time.Duration{0: 80 * time.Second, 1199: 2 * time.Minute}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := &App{log: slog.New(slog.DiscardHandler)}
			paced := a.Pace(c.looks)
			total := map[string]float64{}
			for i, l := range c.looks {
				l.Interval = paced[i]
				total[l.Owner] += perMinute(l)
			}
			for owner, n := range total {
				if n > pointsPerMinute+0.1 {
					t.Errorf("%s: %.1f requests a minute", owner, n)
				}
			}
			for i, want := range c.want {
				if paced[i] != want {
					t.Errorf("%d: got %v, want %v", i, paced[i], want)
				}
			}
		})
	}
}
