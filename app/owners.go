package app

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
)

// Owners are accounts by their ids, with what each was called, the present name last. Whoever takes a name that another account
// gave up has another id.
type Owners map[int64][]string

// formerNames is how many names of an account are known.
const formerNames = 8

// owners keeps what accounts are called.
type owners struct {
	log  *slog.Logger
	save func(Owners) error // may be nil

	mu      sync.Mutex
	logins  Owners
	unsaved bool
	trouble string // that was told
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
		o.unsaved = true
		if n > 0 {
			o.log.Warn("an account was renamed: change the addresses and patterns of tasks", "account", login, "before", known[n-1])
		}
		known = append(slices.DeleteFunc(slices.Clone(known), func(old string) bool { return strings.EqualFold(old, login) }), login)
		known = known[max(0, len(known)-formerNames):]
		o.logins[id] = known
	}
	o.keep()
	return known[:len(known)-1]
}

// remember adds what accounts were called before those names that were seen.
func (o *owners) remember(before Owners) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.logins == nil {
		o.logins = map[int64][]string{}
	}
	for id, names := range before {
		seen := o.logins[id]
		older := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return slices.ContainsFunc(seen, func(known string) bool { return strings.EqualFold(known, name) })
		})
		all := append(older, seen...)
		o.logins[id] = all[max(0, len(all)-formerNames):]
	}
}

// keep saves what changed. What cannot be saved is tried again when somebody is seen next. The caller holds o.mu.
func (o *owners) keep() {
	if !o.unsaved || o.save == nil {
		return
	}
	err := o.save(o.logins)
	switch {
	case err == nil:
		o.unsaved, o.trouble = false, ""
	case err.Error() != o.trouble:
		o.trouble = err.Error()
		o.log.Warn("the names of accounts cannot be saved", "err", err)
	}
}

// was tells whether an account had that name before.
func (o *owners) was(id int64, login string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.ContainsFunc(o.logins[id], func(known string) bool { return strings.EqualFold(known, login) })
}
