package settings

import (
	"fmt"
	"io"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

const mask = "***"

var (
	secretName = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?i)token|secret|passw|passphrase|key|credential|auth|cookie|private`)
	})
	credentials = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`://[^/\s@'"]+@`) })
)

// WriteSettings prints the effective configuration with secrets masked: what
// concerns the agent by the names of flags, the tasks as in a task file.
func (all Options) WriteSettings(w io.Writer, s Settings) error {
	var tasks []yaml.MapSlice
	for _, t := range s.Tasks {
		keys := t.shown()
		if context := s.StatusContext(t); context != "" && !keys.GitHub.keys.Context.given {
			keys.GitHub.keys.Context = text{given(), context}
		}
		tasks = append(tasks, show(&keys))
	}
	shown := yaml.MapSlice{{Key: "agent", Value: all.shown(s.Config)}, {Key: "tasks", Value: tasks}}
	if len(s.Runners) > 0 {
		var sets []yaml.MapSlice
		for _, set := range s.Runners {
			keys := set.shown()
			sets = append(sets, show(&keys))
		}
		shown = append(shown, yaml.MapItem{Key: "runners", Value: sets})
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

// shown is the task as a task file has it, with secrets masked.
func (t Task) shown() taskKeys {
	keys := taskKeys{
		Name:    text{given(), t.Name},
		Git:     section[gitKeys]{place: given()},
		OnNew:   text{given(), "remember"},
		Every:   span{given(), t.Interval},
		Timeout: span{given(), t.Timeout},
	}
	g := &keys.Git.keys
	if t.Repos != nil {
		g.URLs = shownTexts(t.Repos.Entries())
	} else {
		g.URL = text{given(), t.URL.String()}
	}
	var branches []string
	for _, ref := range t.Refs {
		if !isTag(ref) && !isPull(ref) {
			branches = append(branches, strings.Replace(ref, "refs/heads/", "", 1))
		}
	}
	if g.Tags = t.shownTags(); len(branches) > 0 {
		g.Branches = shownTexts(branches)
	}
	if t.SSHKeyFile != "" {
		g.SSHKeyFile = text{given(), t.SSHKeyFile}
	}
	t.Checkout.shown(g)
	if t.RunNew {
		keys.OnNew.value = "run"
	}
	keys.Limits = limitsShown(t.Limits)
	if t.Each {
		keys.RunOn = text{given(), "each"}
	}
	if len(t.Where) > 0 {
		keys.Where = shownTexts(t.Where)
	}
	if t.Pulls != nil {
		keys.Pulls = t.Pulls.shown()
	}
	if t.GitHub != nil {
		keys.GitHub = section[githubKeys]{place: given(), keys: t.GitHub.shown()}
	}
	if t.Verify != nil {
		keys.Verify = t.Verify.shown()
	}
	if len(t.Paths) > 0 {
		keys.Paths = shownTexts(t.Paths)
	}
	if t.Bring != nil || len(t.Paths) > 0 {
		if keys.OnNone = (text{given(), "success"}); t.Silent {
			keys.OnNone.value = "silent"
		}
	}
	if b := t.Bring; b != nil {
		keys.Config = text{given(), b.File}
		keys.Allow = section[allowKeys]{place: given(), keys: allowKeys{Inherit: boolean{given(), b.Inherit}, Token: permissions{given(), b.Token}}}
		if len(b.Secrets) > 0 {
			keys.Secrets = sources{place: given(), values: b.Secrets}
			keys.Allow.keys.Secrets = shownTexts(slices.Sorted(maps.Keys(b.Secrets)))
		}
	}
	keys.Actions, keys.Always = actionsShown(t.Actions), actionsShown(t.Always)
	t.rulesShown(&keys)
	keys.Notify = notificationsShown(t.Notify)
	return keys
}

func actionsShown(all []actions.Action) (shown list[actionKeys]) {
	for _, a := range all {
		shown.given = true
		shown.entries = append(shown.entries, entry[actionKeys]{keys: actionShown(a)})
	}
	return shown
}

func (g GitHub) shown() githubKeys {
	keys := githubKeys{AppID: word{given(), g.AppID}}
	if g.KeyFile != "" {
		keys.KeyFile = text{given(), g.KeyFile}
	}
	if g.Fleet {
		keys.Fleet = text{given(), "one"}
	}
	if g.Report != "" {
		keys.Report = text{given(), g.Report}
	}
	if g.CheckLog != "" {
		keys.Log = text{given(), g.CheckLog}
	}
	if g.Environment != "" {
		keys.Environ = text{given(), g.Environment}
	}
	if g.Comment != "" {
		keys.Comment = text{given(), g.Comment}
	}
	if g.EnvironmentURL != "" {
		keys.EnvURL = text{given(), g.EnvironmentURL}
	}
	if g.StatusContext != "" {
		keys.Context = text{given(), g.StatusContext}
	}
	return keys
}

func shownTexts(all []string) texts {
	t := texts{place: given()}
	for _, value := range all {
		t.entries = append(t.entries, text{given(), value})
	}
	return t
}

// masked hides what a URL within text carries before its host.
func masked(text string) string {
	return credentials().ReplaceAllString(text, "://"+mask+"@")
}
