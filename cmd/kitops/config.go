package main

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// settings are everything a run needs, validated.
type settings struct {
	config
	IntervalSet bool // a flag or a variable gave --interval
	Tasks       []taskSettings
}

// taskSettings are one task, with the defaults filled in.
type taskSettings struct {
	Name              string
	URL               git.URL
	Refs              git.Patterns
	RunNew            bool
	SSHKeyFile        string // "": the agent and ~/.ssh/config
	Checkout          checkoutSettings
	Interval, Timeout time.Duration
	GitHub            *githubSettings // nil: no App
	Actions           []actions.Action
	Repos             *repoPatterns // instead of URL: one task for each repository that matches
	RepositoryID      string        // of a task that stands for one of these: what GitHub calls it
	Formerly          string        `json:"-"` // the name that task had, while its memory is there
	Configured        string        // of a task that stands for one of these: the name of the configured one
	Bring             *bring        // instead of Actions: the repository brings them
	Digest            string        // equal for tasks that behave the same
}

// githubSettings are a task's github: key, with the defaults filled in.
type githubSettings struct {
	AppID, KeyFile, Key string
	StatusContext       string // "": kitops/TASK; off: none
	Explicit            bool   // the task itself has the key
}

// github is what flags and variables say of the App, nil if nothing.
func (c config) github() *githubSettings {
	if c.App.AppID == "" && c.App.PrivateKeyFile == "" && c.App.PrivateKey == "" {
		return nil
	}
	return &githubSettings{
		AppID: c.App.AppID, KeyFile: c.App.PrivateKeyFile, Key: c.App.PrivateKey,
		StatusContext: c.Status.Context,
	}
}

// statusContext is the context of the commit statuses of a task, "" for none.
// Instances that watch the same repository have one each.
func (s settings) statusContext(t taskSettings) string {
	switch {
	case t.GitHub == nil || t.GitHub.StatusContext == statusesOff:
		return ""
	case t.GitHub.StatusContext != "":
		return t.GitHub.StatusContext
	case s.Status.Instance != "":
		return "kitops/" + cmp.Or(t.Configured, t.Name) + "@" + s.Status.Instance
	}
	return "kitops/" + cmp.Or(t.Configured, t.Name)
}

const statusesOff = "off"

// statusesWanted tells whether any task of an App has statuses: only then
// does it need the permission.
func (s settings) statusesWanted(g githubSettings) bool {
	return slices.ContainsFunc(s.Tasks, func(t taskSettings) bool {
		return t.GitHub != nil && t.GitHub.credentials() == g.credentials() && s.statusContext(t) != ""
	})
}

func (g githubSettings) credentials() githubSettings {
	return githubSettings{AppID: g.AppID, KeyFile: g.KeyFile, Key: g.Key}
}

// configError is every mistake in flags, variables and the task file, one a
// line. The program ends with 2 on it.
type configError struct{ mistakes []error }

func (e *configError) Error() string   { return errors.Join(e.mistakes...).Error() }
func (e *configError) Unwrap() []error { return e.mistakes }

// load reads flags, environment and task file. It may be called again to read
// the task file anew. Its errors are *configError; warnings are for the user
// in either case. It only reads.
func (all options) load(environ []string) (settings, []string, error) {
	warnings := all.unknownVariables(environ)
	cfg, mistakes := all.read(environ)
	mistakes = append(mistakes, all.check(cfg)...)
	advice, err := all.useStored(&cfg, environ)
	if err != nil {
		mistakes = append(mistakes, err)
	}
	warnings = append(warnings, advice...)
	s := settings{config: cfg, IntervalSet: all.byKey("INTERVAL").origin != ""}

	var found []error
	switch file := all.byKey("CONFIG_FILE"); {
	case file.origin == "":
		s.Tasks, found = all.task(cfg)
	case cfg.Task.ConfigFile != "":
		s.Tasks, found = readTaskFile(cfg.Task.ConfigFile, cfg)
		found = append(all.conflicts(file), found...)
	default:
		found = all.conflicts(file)
	}
	mistakes = append(mistakes, found...)
	if err := all.incomplete(s.Tasks); err != nil {
		mistakes = append(mistakes, err)
	}
	mistakes = append(mistakes, all.checkHooks(cfg.Webhook)...)
	if len(mistakes) > 0 {
		return settings{}, warnings, &configError{mistakes}
	}
	return s, warnings, nil
}

// conflicts are the options that a task file leaves no room for.
func (all options) conflicts(file *option) []error {
	var mistakes []error
	for _, key := range []string{"URL", "BRANCH", "ACTION", "ACTION_FILE", "ENVIRONMENT"} {
		if o := all.byKey(key); o.origin != "" {
			mistakes = append(mistakes, fmt.Errorf("%s and %s exclude each other: the task file says what to watch and do", file.origin, o.origin))
		}
	}
	return mistakes
}

// task is the one task that flags and variables describe.
func (all options) task(cfg config) ([]taskSettings, []error) {
	address, action, file := all.byKey("URL"), all.byKey("ACTION"), all.byKey("ACTION_FILE")
	switch {
	case address.origin == "" && action.origin == "" && file.origin == "":
		return nil, []error{errors.New("nothing to do: give --url and --action, or --config-file")}
	case action.origin == "" && file.origin == "":
		return nil, []error{fmt.Errorf("%s without --action: say what to run when the repository changes", address.origin)}
	case address.origin == "":
		return nil, []error{fmt.Errorf("%s%s without --url: say which repository to watch", action.origin, file.origin)}
	case action.origin != "" && file.origin != "":
		return nil, []error{fmt.Errorf("%s and %s exclude each other", action.origin, file.origin)}
	}
	var mistakes []error
	judge := func(key string, err error) {
		if o := all.byKey(key); err != nil && !slices.Contains(o.values, "") {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	t := taskSettings{
		SSHKeyFile: cfg.Git.SSHKeyFile, GitHub: cfg.github(),
		Interval: cfg.Poller.Interval, Timeout: cfg.Poller.Timeout,
	}
	judge("URL", t.watch(cfg.Task.URL))
	var err error
	t.Refs, err = refPatterns(cfg.Task.Branch)
	judge("BRANCH", err)
	environment, err := pairs(cfg.Task.Environment)
	judge("ENVIRONMENT", err)
	if file.origin == "" {
		t.Actions = []actions.Action{withShell(actions.Action{Name: "action", Environment: environment}, cfg.Task.Action)}
	} else {
		t.Bring = &bring{File: cfg.Task.ActionFile, Environment: environment}
		judge("ACTION_FILE", t.Bring.check())
		judge("ACTION_FILE", cfg.trusts(t))
	}
	return []taskSettings{t.digested(strings.Join(cfg.Task.URL, "\n"))}, mistakes
}

// watch fills in the repository, or the patterns that select some, and the
// name that follows from it. A relative path is seen from the working directory.
func (t *taskSettings) watch(entries []string) error {
	if len(entries) != 1 || isRepoPattern(entries[0]) {
		return t.watchMany(entries)
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	url, err := git.ParseURL(entries[0])
	if err != nil {
		return err
	}
	t.URL = url.Resolve(dir)
	t.Name = t.URL.Name()
	return checkName(t.Name)
}

func (t *taskSettings) watchMany(entries []string) error {
	patterns, err := parseRepoPatterns(entries)
	if err != nil {
		return err
	}
	if t.GitHub == nil {
		return errors.New("several repositories need a GitHub App, which tells what there is: see --github-app-id, or give each its task in a --config-file")
	}
	t.Repos = &patterns
	t.Name = cmp.Or(t.Name, patterns.name())
	return nil
}

// refPatterns makes patterns for full ref names of branches; none mean the
// default branch.
func refPatterns(branches []string) (git.Patterns, error) {
	if len(branches) == 0 {
		return git.Patterns{"HEAD"}, nil
	}
	var refs git.Patterns
	for _, branch := range branches {
		ref, err := refPattern(branch)
		if err != nil {
			return nil, err
		}
		refs = append(refs, ref)
	}
	return refs, refs.Validate()
}

func refPattern(branch string) (string, error) {
	name, excluded := strings.CutPrefix(branch, "!")
	switch {
	case name == "":
		return "", errors.New("empty branch")
	case name == "HEAD" || strings.HasPrefix(name, "refs/heads/"):
	case strings.HasPrefix(name, "refs/"):
		return "", fmt.Errorf("%q is no branch; only branches can be watched", name)
	default:
		name = "refs/heads/" + name
	}
	if err := (git.Patterns{name}).Validate(); err != nil {
		return "", err
	}
	if excluded {
		return "!" + name, nil
	}
	return name, nil
}

// pairs reads NAME=VALUE entries. Its errors repeat no value.
func pairs(entries []string) (map[string]string, error) {
	all := map[string]string{}
	for i, entry := range entries {
		name, value, found := strings.Cut(entry, "=")
		if !found {
			return nil, fmt.Errorf("entry %d is not NAME=VALUE", i+1)
		}
		if err := checkVariable(name); err != nil {
			return nil, err
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		all[name] = value
	}
	return all, nil
}

// withShell makes the action run a command line.
func withShell(a actions.Action, command string) actions.Action {
	a.Entrypoint, a.Args = "/bin/sh", []string{"-c", command}
	return a
}

// digested sets the digest. The address is the URL as given: its credentials
// count too, and git.URL never shows them.
func (t taskSettings) digested(address string) taskSettings {
	t.Digest = ""
	data, err := json.Marshal(struct {
		Task    taskSettings
		Address string
	}{t, address})
	if err != nil {
		panic(err) // strings, numbers and maps of strings always marshal
	}
	sum := sha256.Sum256(data)
	t.Digest = hex.EncodeToString(sum[:])
	return t
}
