package app

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// owners are accounts by their ids, with what each was called since the agent started. Whoever takes a name that another
// account gave up has another id.
type owners struct {
	log *slog.Logger

	mu     sync.Mutex
	logins map[int64][]string // the present one last
}

// saw notes what an account is called, and returns what it was called before. A new name is told once.
func (o *owners) saw(id int64, login string) (former []string) {
	if id == 0 || login == "" {
		return nil
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.logins == nil {
		o.logins = map[int64][]string{}
	}
	known := o.logins[id]
	if n := len(known); n == 0 || !strings.EqualFold(known[n-1], login) {
		if n > 0 {
			o.log.Warn("an account was renamed: change the addresses and patterns of tasks", "account", login, "before", known[n-1])
		}
		known = append(slices.DeleteFunc(slices.Clone(known), func(old string) bool { return strings.EqualFold(old, login) }), login)
		o.logins[id] = known
	}
	return known[:len(known)-1]
}

// was tells whether an account had that name before.
func (o *owners) was(id int64, login string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.logins[id], func(known string) bool { return strings.EqualFold(known, login) })
}
