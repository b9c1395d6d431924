package settings

import (
	"cmp"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/status/github"
)

// maxEnvironment is what GitHub takes of a name, in characters.
const maxEnvironment = 255

// checkEnvironmentAddress demands something that the address is of.
func (f taskFile) checkEnvironmentAddress(keys *githubKeys, t *Task) {
	if keys.EnvURL.given && t.GitHub != nil && t.GitHub.Environment == "" && (t.Pulls == nil || t.Pulls.Environment == "") {
		f.Wrong(keys.EnvURL.node, "environment_url goes with environment")
	}
}

// deployment fills in what a task says of the environment that it brings revisions to.
func (f taskFile) deployment(keys *githubKeys, g *GitHub) {
	if name := keys.Environ.value; name != "" {
		g.Environment = name
		f.judge(keys.Environ.node, "environment", checkEnvironment(name))
	}
	if address := keys.EnvURL.value; address != "" {
		g.EnvironmentURL = address
		f.judge(keys.EnvURL.node, "environment_url", checkEnvironmentURL(address))
	}
	if g.Environment != "" && g.Fleet {
		f.Wrong(keys.Fleet.node, "environment and report_fleet: one exclude each other: each instance brings the revision to an environment of its own")
	}
}

// cutDeployments are sentences on deployments that a push cuts off in their middle.
func (s Settings) cutDeployments() []string {
	var all []string
	for _, t := range s.Tasks {
		if t.Rules.CancelOnPush && s.Environment(t) != "" && !slices.ContainsFunc(t.Actions, func(a actions.Action) bool { return a.CancelAfter }) {
			all = append(all, fmt.Sprintf("task %s: with on_push: cancel a push ends a deployment to %s in its middle: give the action that must not be cut off cancel: after, or leave on_push away", t.Name, s.Environment(t)))
		}
	}
	return all
}

func checkEnvironment(name string) error {
	switch {
	case strings.TrimSpace(name) != name || strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("must not begin or end with a blank, and have only characters that can be printed")
	case len([]rune(name)) > maxEnvironment:
		return fmt.Errorf("has more than %d characters", maxEnvironment)
	}
	return nil
}

// checkEnvironmentURL tries an address with its placeholders filled in.
func checkEnvironmentURL(address string) error {
	filled := strings.NewReplacer("{task}", "x", "{ref}", "x", "{sha}", "x", "{run}", "x").Replace(address)
	if strings.ContainsAny(filled, "{}") {
		return errors.New("what stands in braces must be task, ref, sha or run")
	}
	return github.CheckEnvironmentURL(filled)
}

// checkComment refuses what is not below the directory of a run.
func checkComment(file string) error {
	if !filepath.IsLocal(file) || filepath.Clean(file) == "." {
		return errors.New("must be the path of a file below the directory of the run")
	}
	return nil
}

// Comments names the comments of a task, "" for none: agents that share a task's name have one each.
func (s Settings) Comments(t Task) string {
	if t.GitHub == nil || t.GitHub.Comment == "" {
		return ""
	}
	return cmp.Or(s.StatusContext(t), t.Name)
}

// checkDeployments judges what flags say.
func (all Options) checkDeployments(c Config) []error {
	var errs []error
	if o := all.ByKey("GITHUB_ENVIRONMENT"); c.Status.DeployTo != "" {
		if err := checkEnvironment(c.Status.DeployTo); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", o.origin, err))
		}
	}
	if o := all.ByKey("GITHUB_ENVIRONMENT_URL"); c.Status.DeployURL != "" {
		if err := checkEnvironmentURL(c.Status.DeployURL); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	if o := all.ByKey("GITHUB_COMMENT"); c.Status.Comment != "" {
		if err := checkComment(c.Status.Comment); err != nil {
			errs = append(errs, fmt.Errorf("%s %w", o.origin, err))
		}
	}
	return errs
}

// Environment is the one that runs of a task are told as deployments to, "" for none. Instances that
// deploy the same each have one, or they would make each other's inactive.
func (s Settings) Environment(t Task) string {
	if t.GitHub == nil {
		return ""
	}
	return s.environmentOf(t, t.GitHub.Environment)
}

// PullEnvironment is the one that runs of a task's pull requests are told as deployments to, "" for none.
func (s Settings) PullEnvironment(t Task) string {
	if t.Pulls == nil || t.GitHub == nil {
		return ""
	}
	return s.environmentOf(t, t.Pulls.Environment)
}

func (s Settings) environmentOf(t Task, name string) string {
	if name != "" && s.Status.Instance != "" && (t.Each || s.Poller.State == "") {
		return name + " (" + s.Status.Instance + ")"
	}
	return name
}

// sameEnvironments are tasks that would make each other's deployments inactive.
func (s Settings) sameEnvironments() []error {
	var mistakes []error
	for i, a := range s.Tasks {
		environment := s.Environment(a)
		if environment != "" && strings.EqualFold(environment, s.PullEnvironment(a)) {
			mistakes = append(mistakes, fmt.Errorf("task %s: its pull requests have the environment %s of its branches: give them another", a.Name, environment))
		}
		for _, b := range s.Tasks[:i] {
			if environment != "" && strings.EqualFold(environment, s.Environment(b)) && sameRepositories(a, b) {
				mistakes = append(mistakes, fmt.Errorf("tasks %s and %s deploy the same repository to the same environment %s, one in the place of the other: give each an environment of its own", b.Name, a.Name, environment))
			}
		}
	}
	return mistakes
}
