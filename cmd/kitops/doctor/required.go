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
)

const (
	// queued is what a merge queue calls the branches on which it wants to hear of what it is about to merge.
	queued = "gh-readonly-queue/"
	heads  = "refs/heads/"
)

// required tells whether what a branch demands before a merge would ever be reported.
func (d *Doctor) required(ctx context.Context, s settings.Settings, w *wiring.Wiring) {
	for _, t := range s.Tasks {
		r := w.Repository(t.Name)
		if r == nil {
			continue
		}
		if _, err := r.Token(ctx); err != nil {
			continue // which was said
		}
		d.shownLog(ctx, t, r)
		for _, branch := range d.branches(ctx, t, r) {
			d.requiredOf(ctx, s, t, r, branch)
			d.strangers(ctx, s, t, r, branch)
		}
		d.environment(ctx, s, t, r)
	}
}

// branches are those that a task names, in short, and what its patterns are about: the default one.
func (d *Doctor) branches(ctx context.Context, t settings.Task, r *wiring.Repository) []string {
	var all []string
	for _, ref := range t.Refs.Names() {
		if name, is := strings.CutPrefix(ref, heads); is {
			all = append(all, name)
		}
	}
	if found, err := r.Heads(ctx, []string{"HEAD"}); err == nil && len(found) > 0 && len(all) == 0 {
		all = append(all, strings.TrimPrefix(found[0].Ref, heads))
	}
	return all
}

func (d *Doctor) requiredOf(ctx context.Context, s settings.Settings, t settings.Task, r *wiring.Repository, branch string) {
	prefix := fmt.Sprintf("task %s: ", t.Name)
	rules, err := r.Rules(ctx, branch)
	if err != nil {
		var lacking *app.PermissionError
		if errors.As(err, &lacking) {
			d.say(app.Warn, prefix+"what "+branch+" requires before a merge cannot be seen: "+lacking.Problem, lacking.Remedy)
			return
		}
		d.say(app.Warn, prefix+"what "+branch+" requires before a merge cannot be asked: "+err.Error(), "")
		return
	}
	if rules.Hidden {
		d.say(app.Warn, prefix+branch+" is protected, and what that requires before a merge is not told to the App", "see the branch's protection in the settings of the repository")
	}
	for _, c := range rules.Checks {
		if c.Context == s.StatusContext(t) {
			d.reported(ctx, t, r, branch, c, rules.MergeQueue)
		} else if strings.HasPrefix(c.Context, "kitops/") && !reportedByAny(s, t, c.Context) {
			d.say(app.Warn, fmt.Sprintf("%s%s requires %s before a merge, which no task here reports", prefix, branch, c.Context), "unless another agent does: give a task that name or that status_context, or take the requirement away in the rules of the branch")
		}
	}
	if t.Refs.Wild() && s.Environment(t) != "" && rules.MergeQueue && matches(t, queued+branch+"/pr-1-0") {
		d.say(app.Warn, prefix+"it deploys to "+s.Environment(t)+" what the merge queue of "+branch+" only tries", `add "!`+queued+`**" to its branches`)
	}
	for _, environment := range rules.Environments {
		if !slices.ContainsFunc(s.Tasks, func(o settings.Task) bool { return s.Environment(o) == environment && sameRepository(o, t) }) {
			d.say(app.Warn, fmt.Sprintf("%s%s requires a deployment to %s before a merge, which no task here makes", prefix, branch, environment), "")
		}
	}
}

// reported tells whether a task's own context would be there for a merge.
func (d *Doctor) reported(ctx context.Context, t settings.Task, r *wiring.Repository, branch string, c app.RequiredCheck, queue bool) {
	what := fmt.Sprintf("task %s: %s requires %s before a merge, ", t.Name, branch, c.Context)
	own, err := r.App.Number(ctx)
	switch {
	case err != nil:
		return // which was said
	case c.App != 0 && c.App != own:
		d.say(app.Fail, fmt.Sprintf("%sfrom App %d, and this is App %d", what, c.App, own), "choose this App as the expected source in the rules of the branch")
		return
	case !t.Refs.Wild() && !elsewhere(t, branch) && t.Pulls == nil:
		d.say(app.Fail, what+"and the task looks at "+branch+" only, so that no pull request ever gets it", `let it look at the branches of pull requests, too: branches: ["**"]`)
		return
	case queue && !matches(t, queued+branch+"/pr-1-0"):
		d.say(app.Fail, what+"also in its merge queue, whose branches the task does not look at", fmt.Sprintf(`add "%s%s/**" to its branches`, queued, branch))
		return
	case c.App == 0:
		d.say(app.Warn, what+"from anybody: whoever may push can report it, too", "choose this App as the expected source in the rules of the branch")
		return
	}
	d.say(app.OK, what+"which this task reports", "")
}

// strangers names who else reports under the name of a task on the newest commit of a branch.
func (d *Doctor) strangers(ctx context.Context, s settings.Settings, t settings.Task, r *wiring.Repository, branch string) {
	name := s.StatusContext(t)
	found, err := r.Heads(ctx, []string{heads + branch})
	if name == "" || err != nil || len(found) != 1 {
		return
	}
	r.WantToSeeStatuses()
	others, err := r.Strangers(ctx, found[0].SHA, name)
	if err != nil {
		d.say(app.Warn, fmt.Sprintf("task %s: who else reports %s on %s cannot be asked: %s", t.Name, name, branch, err), "")
	}
	if len(others) > 0 {
		d.say(app.Warn, fmt.Sprintf("task %s: %s is reported on %s by others, too: %s. What they say may be taken for its result", t.Name, name, branch, strings.Join(others, ", ")),
			"choose this App as the expected source in the rules of the branch, or give the task another status_context")
	}
}

// elsewhere tells whether a task looks at more than a branch.
func elsewhere(t settings.Task, branch string) bool {
	return slices.ContainsFunc(t.Refs.Names(), func(ref string) bool { return ref != heads+branch })
}

func matches(t settings.Task, branch string) bool {
	matched, _ := t.Refs.Match(heads + branch)
	return matched
}

func sameRepository(a, b settings.Task) bool { return strings.EqualFold(a.URL.Plain(), b.URL.Plain()) }

// reportedByAny tells whether another task on the repository has that context.
func reportedByAny(s settings.Settings, t settings.Task, context string) bool {
	return slices.ContainsFunc(s.Tasks, func(o settings.Task) bool { return s.StatusContext(o) == context && sameRepository(o, t) })
}

// environment warns of rules of an environment that hold for the workflows of GitHub, and not for deployments by an App.
func (d *Doctor) environment(ctx context.Context, s settings.Settings, t settings.Task, r *wiring.Repository) {
	name := s.Environment(t)
	if name == "" {
		return
	}
	prefix := fmt.Sprintf("task %s: ", t.Name)
	kinds, err := r.EnvironmentRules(ctx, name)
	var lacking *app.PermissionError
	switch {
	case errors.As(err, &lacking):
		d.say(app.OK, prefix+"whether the environment "+name+" has protection rules is not seen without actions: read; kitops would not wait for them", "")
	case err != nil:
		d.say(app.Warn, prefix+"the environment "+name+" cannot be asked about: "+err.Error(), "")
	case len(kinds) > 0:
		slices.Sort(kinds)
		d.say(app.Warn, fmt.Sprintf("%sthe environment %s has protection rules (%s), which GitHub does not hold for deployments by an App: kitops waits for nobody", prefix, name, strings.Join(slices.Compact(kinds), ", ")), "protect the branch instead")
	}
}
