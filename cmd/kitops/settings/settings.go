package settings

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

// Settings are everything a run needs, validated.
type Settings struct {
	Config
	IntervalSet bool // a flag or a variable gave --interval
	Tasks       []Task
	Runners     []RunnerSet
}

// Task are one task, with the defaults filled in.
type Task struct {
	Name              string
	URL               git.URL
	Refs              git.Patterns
	Versions          *git.Versions `json:",omitempty"` // of the tags among them only the highest of these
	Pulls             *Pulls        `json:",omitempty"` // nil: no pull requests
	RunNew            bool
	Each              bool     // every instance runs what is new
	Where             []string // names, patterns and labels of the instances that have the task; none: all
	Elsewhere         bool     `json:"-"` // this instance has not
	FinishUnleased    bool     // a lost lease does not end the actions
	Silent            bool     // runs that have nothing to do are not reported
	SSHKeyFile        string   // "": the agent and ~/.ssh/config
	Checkout          Checkout
	Interval, Timeout time.Duration
	Limits            actions.Limits   `json:",omitzero"` // of the processes of a run
	GitHub            *GitHub          // nil: no App
	Verify            *Verify          `json:",omitempty"` // whose signature a revision must have; nil: anybody's will do
	Paths             git.PathPatterns `json:",omitempty"` // what a revision must have changed to be run; none: anything
	Actions           []actions.Action
	Notify            []Notification   `json:",omitempty"` // who is notified of its runs
	OnFailure, Always []actions.Action `json:",omitempty"` // after those, or after what the repository brings
	Repos             *RepoPatterns    // instead of URL: one task for each repository that matches
	RepositoryID      string           // of a task that stands for one of these: what GitHub calls it
	Formerly          string           `json:"-"` // the name that task had, while its memory is there
	Configured        string           // of a task that stands for one of these: the name of the configured one
	Rules             poller.Rules     `json:",omitzero"` // when and how often it runs
	Bring             *Bring           // instead of Actions: the repository brings them
	Digest            string           // equal for tasks that behave the same
}

// GitHub are a task's github: key, with the defaults filled in.
type GitHub struct {
	AppID, KeyFile string
	Key            secret.Text // the key itself, where no file has it
	StatusContext  string      // "": kitops/TASK; off: none
	Report         string      `json:",omitempty"` // "": a commit status
	CheckLog       string      `json:",omitempty"` // "": a check run shows none
	Environment    string      `json:",omitempty"` // runs are deployments to it; "": they are none
	EnvironmentURL string      `json:",omitempty"` // "": none is known
	Comment        string      `json:",omitempty"` // the file that runs write for pull requests; "": none
	Fleet          bool        // all instances that run a task report together
	Explicit       bool        // the task itself has the key
	Own            bool        `json:"-"` // the task file has it, for this task or in defaults
}

// GitHub is what flags and variables say of the App, nil if nothing.
func (c Config) GitHub() *GitHub {
	if c.App.AppID == "" && c.App.PrivateKeyFile == "" && !c.App.PrivateKey.Given() {
		return nil
	}
	return &GitHub{
		AppID: c.App.AppID, KeyFile: c.App.PrivateKeyFile, Key: c.App.PrivateKey,
		StatusContext: c.Status.Context, Report: reportKind(c.Status.Report),
		Environment: c.Status.DeployTo, EnvironmentURL: c.Status.DeployURL, Comment: c.Status.Comment,
	}
}

// StatusContext is the context of the commit statuses of a task, "" for none.
// Instances that watch the same repository have one each.
func (s Settings) StatusContext(t Task) string {
	switch {
	case t.GitHub == nil || t.GitHub.StatusContext == StatusesOff || t.GitHub.Report == reportOff:
		return ""
	case t.GitHub.StatusContext != "":
		return t.GitHub.StatusContext
	case t.Each && t.GitHub.Fleet: // all together
	case s.Status.Instance != "" && (t.Each || s.Poller.State == ""): // else whichever instance runs it
		return "kitops/" + cmp.Or(t.Configured, t.Name) + "@" + s.Status.Instance
	}
	return "kitops/" + cmp.Or(t.Configured, t.Name)
}

// StatusesOff as a status context turns the statuses off.
const StatusesOff = "off"

// StatusesWanted tells whether any task of an App has statuses: only then it needs the permission.
func (s Settings) StatusesWanted(g GitHub) bool {
	return slices.ContainsFunc(s.Tasks, func(t Task) bool {
		return t.GitHub != nil && t.GitHub.Credentials() == g.Credentials() && s.StatusContext(t) != "" && t.GitHub.Report != ReportCheck
	})
}

// Credentials are what tells Apps apart: tasks that have them in common share one.
func (g GitHub) Credentials() GitHub {
	return GitHub{AppID: g.AppID, KeyFile: g.KeyFile, Key: g.Key}
}

// Error is every mistake in arguments, flags, variables and the task file, one a
// line. The program ends with 2 on it.
type Error struct{ Mistakes []error }

// Mistake is an *Error of one.
func Mistake(format string, args ...any) error {
	return &Error{Mistakes: []error{fmt.Errorf(format, args...)}}
}

func (e *Error) Error() string { return errors.Join(e.Mistakes...).Error() }

func (e *Error) Unwrap() []error { return e.Mistakes }

// Load reads flags, environment and task file. It may be called again to read
// the task file anew. Its errors are *configError; warnings are for the user
// in either case. It only reads.
func (all Options) Load(environ []string) (Settings, []string, error) {
	return all.load(environ, readTaskFile)
}

func (all Options) load(environ []string, read func(path string, flags Config) ([]Task, []RunnerSet, []error)) (Settings, []string, error) {
	warnings := all.unknownVariables(environ)
	cfg, mistakes := all.read(environ)
	mistakes = append(mistakes, all.check(cfg)...)
	advice, err := all.useStored(&cfg, environ)
	if err != nil {
		mistakes = append(mistakes, err)
	}
	warnings = append(warnings, advice...)
	if path, isFile := strings.CutPrefix(cfg.Poller.State, "file:"); isFile {
		cfg.Poller.State, cfg.Poller.StateFile = "", path
	}
	if cfg.Poller.State != "" && cfg.Status.Instance == "" {
		cfg.Status.Instance, _ = os.Hostname() // without one it has no name that is told
	}
	s := Settings{Config: cfg, IntervalSet: all.ByKey("INTERVAL").origin != ""}

	var found []error
	switch file := all.ByKey("CONFIG_FILE"); {
	case file.origin == "":
		s.Tasks, found = all.task(cfg)
	case cfg.Task.ConfigFile != "":
		s.Tasks, s.Runners, found = read(cfg.Task.ConfigFile, cfg)
		found = append(all.conflicts(file), found...)
	default:
		found = all.conflicts(file)
	}
	mistakes = append(mistakes, found...)
	mistakes = append(mistakes, s.clashes()...)
	mistakes = append(mistakes, slices.Concat(s.circles(), s.sameEnvironments(), s.shortLeases())...)
	if err := all.incomplete(s.Tasks); err != nil {
		mistakes = append(mistakes, err)
	}
	mistakes = append(mistakes, all.checkHooks(cfg.Webhook)...)
	mistakes = append(mistakes, all.checkNotify(cfg.Notify)...)
	mistakes = append(mistakes, all.checkDeployments(cfg)...)
	if len(mistakes) > 0 {
		return Settings{}, warnings, &Error{Mistakes: mistakes}
	}
	return s, slices.Concat(warnings, s.notifiedPlainly(), s.shownLogs(), s.cutDeployments()), nil
}

// conflicts are the options that a task file leaves no room for.
func (all Options) conflicts(file *Option) []error {
	var mistakes []error
	for _, key := range []string{"URL", "BRANCH", "ACTION", "ACTION_FILE", "ENVIRONMENT"} {
		if o := all.ByKey(key); o.origin != "" {
			mistakes = append(mistakes, fmt.Errorf("%s and %s exclude each other: the task file says what to watch and do", file.origin, o.origin))
		}
	}
	return mistakes
}

// task is the one task that flags and variables describe.
func (all Options) task(cfg Config) ([]Task, []error) {
	address, action, file := all.ByKey("URL"), all.ByKey("ACTION"), all.ByKey("ACTION_FILE")
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
		if o := all.ByKey(key); err != nil && !o.has("") {
			mistakes = append(mistakes, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	t := Task{
		SSHKeyFile: cfg.Git.SSHKeyFile, GitHub: cfg.GitHub(),
		Interval: cfg.Poller.Interval, Timeout: cfg.Poller.Timeout,
	}
	judge("URL", t.watch(revealed(cfg.Task.URL), cfg))
	var err error
	t.Refs, err = refPatterns(cfg.Task.Branch)
	judge("BRANCH", err)
	environment, err := pairs(cfg.Task.Environment)
	judge("ENVIRONMENT", err)
	if file.origin == "" {
		t.Actions = []actions.Action{withShell(actions.Action{Name: "action", Environment: environment}, cfg.Task.Action)}
	} else {
		t.Bring = &Bring{File: cfg.Task.ActionFile, Environment: environment}
		judge("ACTION_FILE", t.Bring.check())
		judge("ACTION_FILE", cfg.trusts(t))
	}
	return []Task{cfg.notified(t).digested(strings.Join(revealed(cfg.Task.URL), "\n"))}, mistakes
}

// watch fills in the repository, or the patterns that select some, and the
// name that follows from it. A relative path is seen from the working directory.
func (t *Task) watch(entries []string, cfg Config) error {
	if len(entries) != 1 || isRepoPattern(entries[0]) {
		return t.watchMany(entries)
	}
	dir, err := os.Getwd()
	if err != nil {
		return err
	}
	if t.URL, err = cfg.address(entries[0], dir); err != nil {
		return err
	}
	t.Name = t.URL.Name()
	return checkName(t.Name)
}

func (t *Task) watchMany(entries []string) error {
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

// pairs reads NAME=VALUE entries. Its errors repeat no value.
func pairs(entries []secret.Text) (map[string]secret.Text, error) {
	all := map[string]secret.Text{}
	for i, entry := range entries {
		name, value, found := strings.Cut(entry.Reveal(), "=")
		if !found {
			return nil, fmt.Errorf("entry %d is not NAME=VALUE", i+1)
		}
		if err := checkVariable(name); err != nil {
			return nil, err
		}
		if _, twice := all[name]; twice {
			return nil, fmt.Errorf("%s is given twice", name)
		}
		all[name] = secret.New(value)
	}
	return all, nil
}

// withShell makes the action run a command line.
func withShell(a actions.Action, command string) actions.Action {
	a.Entrypoint, a.Args = "/bin/sh", []string{"-c", command}
	return a
}
