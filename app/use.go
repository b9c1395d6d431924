package app

import (
	"sync"
	"time"

	"github.com/google/go-github/v60/github"
)

// Use is what an App has asked of GitHub's API, and what it may still ask.
type Use struct {
	Requests  map[int]int64    // since the App was made, by the status code of the answer; 0: there was none
	Remaining map[string]int64 // requests that installations may make in this hour, by their account
}

// Use asks GitHub nothing. Concurrent use is safe.
func (a *App) Use() Use {
	use := Use{a.answers.byCode(), map[string]int64{}}
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, i := range a.installations {
		i.mu.Lock()
		owner := i.grant.owner()
		i.mu.Unlock()
		if remaining, known := i.line.hour.remaining(time.Now()); known {
			use.Remaining[owner] = remaining
		}
	}
	return use
}

// answers are counted by their code.
type answers struct {
	mu    sync.Mutex
	codes map[int]int64
}

func (a *answers) count(code int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.codes == nil {
		a.codes = map[int]int64{}
	}
	a.codes[code]++
}

func (a *answers) byCode() map[int]int64 {
	a.mu.Lock()
	defer a.mu.Unlock()
	all := make(map[int]int64, len(a.codes))
	for code, n := range a.codes {
		all[code] = n
	}
	return all
}

// hour is the latest that GitHub said of a primary limit.
type hour struct {
	mu   sync.Mutex
	rate github.Rate
}

func (h *hour) note(r github.Rate) {
	if r.Limit == 0 { // Enterprise Server without limits
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if r.Reset.Before(h.rate.Reset.Time) || r.Reset.Equal(h.rate.Reset) && r.Remaining > h.rate.Remaining {
		return // an answer that was overtaken
	}
	h.rate = r
}

// remaining is the whole limit once the hour is over.
func (h *hour) remaining(now time.Time) (n int64, known bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if now.After(h.rate.Reset.Time) {
		return int64(h.rate.Limit), h.rate.Limit > 0
	}
	return int64(h.rate.Remaining), true
}
