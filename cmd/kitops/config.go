package main

import (
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
	Interval, Timeout time.Duration
	GitHub            *githubSettings // nil: the task says nothing of GitHub
	Actions           []actions.Action
	Digest            string // equal for tasks that behave the same
}

// githubSettings are a task's github: key, with the defaults filled in.
type githubSettings struct {
	AppID, KeyFile, StatusContext string

	place string // in the task file
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
	s := settings{config: cfg, IntervalSet: all.byKey("INTERVAL").origin != ""}
	mistakes = append(mistakes, all.check(cfg)...)

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
	mistakes = append(mistakes, all.unsupported(s.Tasks)...)
	if len(mistakes) > 0 {
		return settings{}, warnings, &configError{mistakes}
	}
	return s, warnings, nil
}

// conflicts are the options that a task file leaves no room for.
func (all options) conflicts(file *option) []error {
	var mistakes []error
	for _, key := range []string{"URL", "BRANCH", "ACTION", "ENVIRONMENT"} {
		if o := all.byKey(key); o.origin != "" {
			mistakes = append(mistakes, fmt.Errorf("%s and %s exclude each other: the task file says what to watch and do", file.origin, o.origin))
		}
	}
	return mistakes
}

// task is the one task that flags and variables describe.
func (all options) task(cfg config) ([]taskSettings, []error) {
	address, action := all.byKey("URL"), all.byKey("ACTION")
	switch {
	case address.origin == "" && action.origin == "":
		return nil, []error{errors.New("nothing to do: give --url and --action, or --config-file")}
	case action.origin == "":
		return nil, []error{fmt.Errorf("%s without --action: say what to run when the repository changes", address.origin)}
	case address.origin == "":
		return nil, []error{fmt.Errorf("%s without --url: say which repository to watch", action.origin)}
	}
	var mistakes []error
	judge := func(key string, err error) {
		if o := all.byKey(key); err != nil && !slices.Contains(o.values, "") {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	dir, err := os.Getwd()
	judge("URL", err)
	url, err := git.ParseURL(cfg.Task.URL)
	judge("URL", err)
	url = url.Resolve(dir)
	if err == nil {
		judge("URL", checkName(url.Name()))
	}
	refs, err := refPatterns(cfg.Task.Branch)
	judge("BRANCH", err)
	environment, err := pairs(cfg.Task.Environment)
	judge("ENVIRONMENT", err)
	t := taskSettings{
		Name:       url.Name(),
		URL:        url,
		Refs:       refs,
		SSHKeyFile: cfg.Git.SSHKeyFile,
		Interval:   cfg.Poller.Interval,
		Timeout:    cfg.Poller.Timeout,
		Actions:    []actions.Action{withShell(actions.Action{Name: "action", Environment: environment}, cfg.Task.Action)},
	}
	return []taskSettings{t.digested(cfg.Task.URL)}, mistakes
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
