package app

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

// Look says how a task looks at a repository.
type Look struct {
	Owner    string
	Refs     []string // as for Heads
	Interval time.Duration
}

// Pace returns the intervals at which all these looks stay within the requests that an installation may make in a
// minute: those given, stretched where need be. An account has one installation at most, so its owner stands for it.
// A stretch is logged when it begins or changes. Concurrent use is safe.
func (a *App) Pace(looks []Look) []time.Duration {
	owners := map[string][]Look{}
	for _, l := range looks {
		owner := strings.ToLower(l.Owner)
		owners[owner] = append(owners[owner], l)
	}
	floors := map[string]time.Duration{}
	for owner, theirs := range owners {
		floors[owner] = floor(theirs)
	}
	a.tellStretch(floors, owners)
	paced := make([]time.Duration, len(looks))
	for i, l := range looks {
		paced[i] = max(l.Interval, floors[strings.ToLower(l.Owner)])
	}
	return paced
}

// floor is the shortest interval that keeps the looks within the budget; longer ones stay as they are.
func floor(looks []Look) time.Duration {
	looks = slices.SortedFunc(slices.Values(looks), func(a, b Look) int { return cmp.Compare(a.Interval, b.Interval) })
	rest := 0.0 // requests a minute of the looks that keep their interval
	for _, l := range looks {
		rest += perMinute(l)
	}
	if rest <= pointsPerMinute {
		return 0
	}
	stretched := 0 // requests for one round of the others
	for i, l := range looks {
		rest -= perMinute(l)
		stretched += requests(l.Refs)
		if rest >= pointsPerMinute {
			continue
		}
		f := time.Duration(float64(stretched) / (pointsPerMinute - rest) * float64(time.Minute)).Round(time.Millisecond)
		if i+1 == len(looks) || f <= looks[i+1].Interval {
			return f
		}
	}
	return 0
}

func perMinute(l Look) float64 {
	return float64(requests(l.Refs)) * float64(time.Minute) / float64(max(l.Interval, time.Millisecond))
}

func (a *App) tellStretch(floors map[string]time.Duration, owners map[string][]Look) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, owner := range slices.Sorted(maps.Keys(floors)) {
		if f := floors[owner]; f > 0 && f != a.stretched[owner] {
			a.log.Warn("more polls than GitHub allows for one installation, so they are stretched",
				"account", owners[owner][0].Owner, "tasks", len(owners[owner]), "interval", f)
		}
	}
	a.stretched = floors
}
