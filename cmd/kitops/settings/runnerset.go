package settings

import (
	"cmp"
	"errors"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/hosts"
	"github.com/bittrance/kitops/poller/secret"
)

// SameUser as the user of runners has jobs run as kitops' own.
const SameUser = "same"

const (
	usualGroup   = "Default"
	usualDrain   = 10 * time.Minute
	usualMinFree = git.Size(2 << 30)
)

// setName is what a scale set can be called, and what is safe in paths and the names of runners.
var setName = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`) })

// RunnerSet is an entry of runners, with the defaults filled in.
type RunnerSet struct {
	Name, URL, Group string
	Max, Min         int
	Drain            time.Duration
	User             string // SameUser: kitops' own; "": nobody was named
	AcceptPublic     bool
	Workdir          string // "": none
	MinFree          git.Size
	Limits           actions.Limits // of the processes of one runner
	GitHub           *GitHub
	Action           actions.Action
	Digest           string // equal for sets that behave the same
}

// runners makes sets of their keys.
func (f taskFile) runners(all *list[runnerKeys]) []RunnerSet {
	f.common = false
	var sets []RunnerSet
	for i := range all.entries {
		sets = append(sets, f.runnerSet(&all.entries[i]))
	}
	return sets
}

func (f taskFile) runnerSet(e *entry[runnerKeys]) RunnerSet {
	keys := &e.keys
	f.require(keys, e.body, "entry of runners")
	s := RunnerSet{
		Name: keys.Name.value, URL: strings.TrimRight(keys.URL.value, "/"), Group: cmp.Or(keys.Group.value, usualGroup),
		Max: max(1, keys.Max.value), Min: keys.Min.value, Drain: keys.Drain.or(usualDrain), User: cmp.Or(keys.User.value, f.flags.Actions.User),
		AcceptPublic: keys.Public.value == "accept", MinFree: usualMinFree, GitHub: f.app, Limits: f.limits(&keys.Limits),
		Action: actions.Action{
			Name: "runner", Entrypoint: keys.Entrypoint.value, Args: keys.Args.values, Environment: keys.Environment.values, InheritEnvironment: keys.Inherit.value,
		},
	}
	if s.Name != "" {
		if !setName().MatchString(s.Name) {
			f.Wrong(keys.Name.node, "name: letters, digits and . _ - make the name of runners, 64 at most")
		}
		if f.names[s.Name] {
			f.Wrong(keys.Name.node, "a task or another entry of runners is named %q", s.Name)
		}
		f.names[s.Name] = true
	}
	if s.URL != "" {
		f.judge(keys.URL.node, "url", checkRunnersURL(s.URL))
	}
	if s.Min > s.Max && (keys.Max.value > 0 || !keys.Max.given) {
		f.Wrong(keys.Min.node, "min must not be above max, which is %d", s.Max)
	}
	if w := &keys.Limits.keys.Workdir; w.given {
		f.Wrong(w.node, "limits: workdir is for tasks and their actions: runners have min_free")
	}
	if keys.MinFree.given {
		s.MinFree = keys.MinFree.value
	}
	switch {
	case keys.GitHub.given:
		s.GitHub = f.github(&keys.GitHub)
	case f.shared.GitHub.given:
		s.GitHub = f.github(&f.shared.GitHub)
	}
	if s.GitHub == nil {
		f.Wrong(e.body, "runners need a GitHub App: see --github-app-id, or kitops setup --with runners")
	}
	if s.User == "" {
		f.Wrong(e.body, "jobs would run as kitops' own user, who can read the App's key: give user: the name of another, or accept that by user: same")
	}
	if keys.Workdir.value != "" {
		s.Workdir = f.path(keys.Workdir.value)
	}
	if keys.Run.given {
		s.Action = withShell(s.Action, keys.Run.value)
	}
	return s.digested()
}

// checkRunnersURL demands https, or the loopback of tests, and an organization or a repository.
func checkRunnersURL(text string) error {
	u, err := url.Parse(text)
	path := ""
	if err == nil {
		path = strings.Trim(u.Path, "/")
	}
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || path == "" || strings.Count(path, "/") > 1:
		return errors.New("must look like https://github.com/acme or https://github.com/acme/shop")
	case u.Scheme != "https" && (u.Scheme != "http" || !hosts.Loopback(u.Hostname())):
		return errors.New("must be https")
	}
	return nil
}

func (s RunnerSet) digested() RunnerSet {
	var secrets []string
	for name, value := range s.Action.Environment {
		secrets = append(secrets, name+"="+value.Reveal())
	}
	if s.GitHub != nil {
		secrets = append(secrets, s.GitHub.Key.Reveal())
	}
	s.Digest = ""
	s.Digest = digest(struct {
		Set     RunnerSet
		Secrets []string
	}{s, sorted(secrets)})
	return s
}

// shown is the set as a task file has it, with secrets masked.
func (s RunnerSet) shown() runnerKeys {
	a := actionShown(s.Action)
	keys := runnerKeys{
		Name: text{given(), s.Name}, URL: text{given(), s.URL}, Group: text{given(), s.Group},
		Max: count{given(), s.Max}, Min: count{given(), s.Min}, Drain: span{given(), s.Drain}, MinFree: size{given(), s.MinFree},
		Entrypoint: a.Entrypoint, Args: a.Args, Run: a.Run, Environment: a.Environment, Inherit: a.Inherit,
		Limits: limitsShown(s.Limits),
	}
	if s.User != "" {
		keys.User = text{given(), s.User}
	}
	if s.AcceptPublic {
		keys.Public = text{given(), "accept"}
	}
	if s.Workdir != "" {
		keys.Workdir = text{given(), s.Workdir}
	}
	if s.GitHub != nil {
		keys.GitHub = section[githubKeys]{place: given(), keys: s.GitHub.shown()}
	}
	return keys
}

// Secrets are what the output of a runner must not show.
func (s RunnerSet) Secrets() (all []secret.Text) {
	for name, value := range s.Action.Environment {
		if secret.Named(name) {
			all = append(all, value)
		}
	}
	return all
}
