package settings

import (
	"fmt"
	"io"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller/git"
)

const mask = "***"

var (
	secretName  = regexp.MustCompile(`(?i)token|secret|passw|passphrase|key|credential|auth|cookie|private`)
	credentials = regexp.MustCompile(`://[^/\s@'"]+@`)
)

// The task file's form, in its order.
type (
	shownSettings struct {
		Agent yaml.MapSlice `yaml:"agent"`
		Tasks []shownTask   `yaml:"tasks"`
	}
	shownTask struct {
		Name     string        `yaml:"name"`
		Git      shownGit      `yaml:"git"`
		OnNew    string        `yaml:"on_new"`
		GitHub   *shownGitHub  `yaml:"github,omitempty"`
		Interval string        `yaml:"interval"`
		Timeout  string        `yaml:"timeout"`
		Config   string        `yaml:"config,omitempty"`
		Allow    *shownAllow   `yaml:"allow,omitempty"`
		Actions  []shownAction `yaml:"actions,omitempty"`
	}
	shownGit struct {
		URL        string   `yaml:"url,omitempty"`
		URLs       []string `yaml:"urls,omitempty"`
		Branches   []string `yaml:"branches"`
		SSHKeyFile string   `yaml:"ssh_key_file,omitempty"`

		Checkout             string   `yaml:"checkout"`
		Clean                *bool    `yaml:"clean,omitempty"`
		DotGit               bool     `yaml:"dot_git,omitempty"`
		History              string   `yaml:"history,omitempty"`
		Submodules           bool     `yaml:"submodules,omitempty"`
		SubmoduleCredentials []string `yaml:"submodule_credentials,omitempty"`
	}
	shownAllow struct {
		Inherit bool `yaml:"inherit_environment"`
		Token   bool `yaml:"github_token"`
	}
	shownGitHub struct {
		AppID         string `yaml:"app_id"`
		KeyFile       string `yaml:"private_key_file,omitempty"`
		StatusContext string `yaml:"status_context,omitempty"`
	}
	shownAction struct {
		Name               string            `yaml:"name"`
		Run                string            `yaml:"run,omitempty"`
		Entrypoint         string            `yaml:"entrypoint,omitempty"`
		Args               []string          `yaml:"args,omitempty"`
		Environment        map[string]string `yaml:"environment,omitempty"`
		InheritEnvironment bool              `yaml:"inherit_environment"`
		GitHubToken        map[string]string `yaml:"github_token,omitempty"`
	}
)

// WriteSettings prints the effective configuration with secrets masked: what
// concerns the agent by the names of flags, the tasks as in a task file.
func (all Options) WriteSettings(w io.Writer, s Settings) error {
	shown := shownSettings{Agent: all.shown(s.Config)}
	for _, t := range s.Tasks {
		task := t.shown()
		if task.GitHub != nil && task.GitHub.StatusContext == "" {
			task.GitHub.StatusContext = s.StatusContext(t)
		}
		shown.Tasks = append(shown.Tasks, task)
	}
	data, err := yaml.MarshalWithOptions(shown, yaml.IndentSequence(true))
	if err != nil {
		return fmt.Errorf("print settings: %w", err)
	}
	_, err = w.Write(data)
	return err
}

func (all Options) shown(cfg Config) yaml.MapSlice {
	var shown yaml.MapSlice
	values := reflect.ValueOf(cfg)
	for _, o := range all {
		switch o.key {
		case "URL", "BRANCH", "ACTION", "ENVIRONMENT":
			continue // the task shows them
		}
		value := values.FieldByIndex(o.index)
		text := plain(value)
		if text == "" {
			continue
		}
		item := yaml.MapItem{Key: o.Flag(), Value: value.Interface()}
		switch item.Value.(type) {
		case time.Duration, git.Size:
			item.Value = text
		}
		if o.Tag.Get("secret") != "" {
			item.Value = mask
		}
		shown = append(shown, item)
	}
	return shown
}

func (t Task) shown() shownTask {
	shown := shownTask{
		Name:     t.Name,
		Git:      shownGit{URL: t.URL.String(), SSHKeyFile: t.SSHKeyFile},
		OnNew:    "remember",
		Interval: yamlfile.FormatDuration(t.Interval),
		Timeout:  yamlfile.FormatDuration(t.Timeout),
	}
	t.Checkout.shown(&shown.Git)
	for _, ref := range t.Refs {
		shown.Git.Branches = append(shown.Git.Branches, strings.Replace(ref, "refs/heads/", "", 1))
	}
	if t.Repos != nil {
		shown.Git.URL, shown.Git.URLs = "", t.Repos.Entries()
	}
	if b := t.Bring; b != nil {
		shown.Config, shown.Allow = b.File, &shownAllow{b.Inherit, b.Token}
	}
	if t.RunNew {
		shown.OnNew = "run"
	}
	if g := t.GitHub; g != nil {
		shown.GitHub = &shownGitHub{g.AppID, g.KeyFile, g.StatusContext}
	}
	for _, a := range t.Actions {
		shown.Actions = append(shown.Actions, shownFrom(a))
	}
	return shown
}

func shownFrom(a actions.Action) shownAction {
	shown := shownAction{Name: a.Name, InheritEnvironment: a.InheritEnvironment, GitHubToken: a.Token}
	if a.Entrypoint == "/bin/sh" && len(a.Args) == 2 && a.Args[0] == "-c" {
		shown.Run = masked(a.Args[1])
	} else {
		shown.Entrypoint = masked(a.Entrypoint)
		for _, arg := range a.Args {
			shown.Args = append(shown.Args, masked(arg))
		}
	}
	if len(a.Environment) > 0 {
		shown.Environment = map[string]string{}
	}
	for name, value := range a.Environment {
		if shown.Environment[name] = masked(value); secretName.MatchString(name) {
			shown.Environment[name] = mask
		}
	}
	return shown
}

// masked hides what a URL within text carries before its host.
func masked(text string) string {
	return credentials.ReplaceAllString(text, "://"+mask+"@")
}
