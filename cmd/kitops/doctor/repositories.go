package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller/git"
)

// doctorRepositories is how many repositories of a task with patterns are tried.
const doctorRepositories = 20

// repositories tells which ones each task with patterns covers. It returns the
// settings with a task for each of the first, that are to be looked at.
func (d *Doctor) repositories(ctx context.Context, s settings.Settings, w *wiring.Wiring) (settings.Settings, error) {
	if !s.Patterns() {
		return s, nil
	}
	var tasks []settings.Task
	for _, t := range s.Tasks {
		tasks = append(tasks, t)
		a, err := w.Selecting(s, t)
		if err != nil {
			return s, err
		}
		if a == nil {
			continue
		}
		found, err := a.Repositories(ctx)
		if err != nil {
			d.fail("task "+t.Name+": not all repositories can be listed", err, "")
		}
		covered := wiring.Covering(t, a, found)
		d.covers(t, covered, err == nil)
		tasks = append(tasks, covered[:min(len(covered), doctorRepositories)]...)
	}
	s.Tasks = tasks
	_, err := w.Make(s)
	s.Tasks = slices.DeleteFunc(tasks, func(t settings.Task) bool { return t.Repos != nil })
	return s, err
}

func (d *Doctor) covers(t settings.Task, covered []settings.Task, complete bool) {
	prefix := "task " + t.Name + ": "
	if len(covered) == 0 {
		if complete {
			d.say(app.Warn, prefix+"no repository matches "+strings.Join(t.Repos.Entries(), " "), "select repositories in the settings of the App's installation, or correct the patterns")
		}
		return
	}
	var names []string
	for _, c := range covered[:min(len(covered), doctorRepositories)] {
		names = append(names, strings.TrimPrefix(c.Name, t.Name+settings.FoundMark))
	}
	text := fmt.Sprintf("%scovers %d repositories: %s", prefix, len(covered), strings.Join(names, ", "))
	if len(covered) == 1 {
		text = fmt.Sprintf("%scovers 1 repository: %s", prefix, names[0])
	}
	if more := len(covered) - len(names); more > 0 {
		text += fmt.Sprintf(" and %d more, which are not tried here", more)
	}
	d.say(app.OK, text, "")
}

// reaches tells whether git has a chance: what the App cannot read is said once.
func (d *Doctor) reaches(ctx context.Context, prefix string, r *wiring.Repository, refs git.Patterns) bool {
	if _, err := r.Token(ctx); r.Anonymous(err) {
		d.say(app.Warn, prefix+"read anonymously, without commit statuses: "+err.Error(), "")
		return true
	}
	checks := r.Diagnose(ctx, refs)
	d.checks(prefix, checks)
	return !slices.ContainsFunc(checks, func(c app.Check) bool { return c.Level == app.Fail })
}

// look asks git itself, which is what fetches.
func (d *Doctor) look(ctx context.Context, prefix string, t settings.Task, w *wiring.Wiring) {
	ctx, cancel := context.WithTimeout(ctx, doctorLook)
	defer cancel()
	heads, tags, err := w.GitHeads(ctx, t)
	switch {
	case errors.Is(err, git.ErrEmpty):
		d.say(app.Warn, prefix+"the repository has no branches yet", "push one")
		return
	case err != nil:
		d.fail(strings.TrimSuffix(prefix, ": "), err, remedy(err, t))
		return
	}
	found := map[string]bool{}
	for _, head := range heads {
		found[head.Ref] = true
	}
	for _, ref := range t.Refs.Names() {
		if !found[ref] {
			d.say(app.Fail, fmt.Sprintf("%s%s has no %s", prefix, t.URL, ref), "push the branch, or name another")
		}
	}
	if len(heads) == 0 && len(t.Refs.Names()) == 0 {
		d.say(app.Warn, prefix+"no branch matches yet", "")
		return
	}
	if len(heads) > 0 {
		d.say(app.OK, fmt.Sprintf("%sgit reads %s: %s, %d in all", prefix, t.URL, git.Revision{Ref: heads[0].Ref}.Name(), len(heads)), "")
		d.signed(ctx, prefix, t, heads, tags, w)
	}
}
