package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Level is how well a Check came out.
type Level string

// The levels, as doctor prints them.
const (
	OK   Level = "ok"
	Warn Level = "warn"
	Fail Level = "FAIL"
)

// Check is one line of a diagnosis. Remedy is empty when all is well.
type Check struct {
	Level        Level
	Text, Remedy string
}

// failed makes a Check of an error. What is public can be read all the same.
func failed(what string, err error) Check {
	if e, ok := errors.AsType[*NotCoveredError](err); ok && e.Public {
		return Check{Warn, e.Problem + ", so it is read without credentials and gets no statuses", e.Remedy}
	}
	if e, ok := errors.AsType[*SetupError](err); ok {
		return Check{Fail, e.Problem, e.Remedy}
	}
	return Check{Fail, what, err.Error()}
}

// Diagnose tries what all repositories need: the key, the App, this host's clock, the App's permissions.
func (a *App) Diagnose(ctx context.Context) []Check {
	checks := []Check{a.keys.diagnose()}
	s, err := a.self(ctx)
	if err != nil {
		return append(checks, failed("App "+a.id+" cannot be asked about at "+a.address.api.String(), err))
	}
	checks = append(checks, Check{OK, fmt.Sprintf("App %s is %q", a.id, s.Name), ""}, a.clock.diagnose())
	if lacking := lacking(a.wanted(), grant{Permissions: s.Permissions}); lacking != "" {
		return append(checks, Check{Warn, "the App does not ask for " + lacking, "add it under \"Permissions\" of the App's settings, " + s.HTMLURL})
	}
	return append(checks, Check{OK, "the App asks for all permissions needed", ""})
}

func (k *keyring) diagnose() Check {
	if k.where.exposed() {
		return Check{Warn, "the private key " + k.where.File + " can be read by every user of this host", "chmod o-r " + k.where.File}
	}
	return Check{OK, "private key read from " + k.where.String(), ""}
}

func (c *clock) diagnose() Check {
	text := fmt.Sprintf("this host's clock is %.0f s off GitHub's", c.skew().Abs().Seconds())
	if c.skew().Abs() > skewWarning {
		return Check{Warn, text + "; GitHub's is used for credentials", "set up time synchronisation"}
	}
	return Check{OK, text, ""}
}

// lacking names what of wanted is not granted.
func lacking(wanted map[string]string, g grant) string {
	var missing []string
	for _, permission := range slices.Sorted(maps.Keys(wanted)) {
		if !g.allows(permission, wanted[permission]) {
			missing = append(missing, permission+":"+wanted[permission])
		}
	}
	return strings.Join(missing, ", ")
}

// Diagnose tries what one repository needs: an installation that is not suspended, its permissions, the repository
// itself, and that each ref, given as for Heads, matches something.
func (r *Repository) Diagnose(ctx context.Context, refs []string) []Check {
	i, err := r.installed(ctx)
	if err != nil {
		return []Check{failed(r.String()+" has no installation", err)}
	}
	g := i.now()
	if g.SuspendedAt != nil {
		return []Check{failed("", i.suspended())}
	}
	checks := []Check{{OK, fmt.Sprintf("%s reaches %s", g, r), ""}}
	if lacking := lacking(r.app.wanted(), g); lacking != "" {
		level := Warn
		if !g.allows("contents", "read") {
			level = Fail
		}
		checks = append(checks, Check{level, fmt.Sprintf("%s does not grant %s", g, lacking), "accept the change of permissions at " + g.HTMLURL})
	} else {
		checks = append(checks, Check{OK, fmt.Sprintf("%s grants all permissions needed", g), ""})
	}
	if _, err := r.learn(ctx); err != nil {
		return append(checks, failed(r.String()+" cannot be read", err))
	}
	for _, ref := range refs {
		if !strings.HasPrefix(ref, "!") {
			checks = append(checks, r.diagnoseRef(ctx, ref))
		}
	}
	return checks
}

// String is owner/name, as the task has it.
func (r *Repository) String() string { return r.owner + "/" + r.name }

func (r *Repository) diagnoseRef(ctx context.Context, ref string) Check {
	heads, err := r.Heads(ctx, []string{ref})
	what := strings.TrimPrefix(ref, "refs/heads/")
	if ref == "HEAD" {
		what = "the default branch"
	}
	_, prefixes, _ := plan([]string{ref})
	switch {
	case errors.Is(err, ErrEmpty):
		return Check{Warn, fmt.Sprintf("%s has no commits yet", r), "push one"}
	case err != nil:
		return failed(fmt.Sprintf("%s: cannot poll %s", r, what), err)
	case len(prefixes) > 0:
		return Check{OK, fmt.Sprintf("%s: can poll %s", r, what), ""}
	case len(heads) == 0:
		return Check{Fail, fmt.Sprintf("%s has no branch %s", r, what), "push it, or correct the task's branch"}
	}
	return Check{OK, fmt.Sprintf("%s: %s is at %s", r, what, heads[0].SHA), ""}
}
