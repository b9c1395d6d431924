package settings

import (
	"fmt"
	"reflect"
	"runtime"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/status"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
	"github.com/bittrance/kitops/status/metrics"
	"github.com/bittrance/kitops/status/notify"
	"github.com/bittrance/kitops/status/page"
	"github.com/bittrance/kitops/webhook"
)

// taskConfig is what flags and variables say about the tasks.
type taskConfig struct {
	URL         []secret.Text `env:"URL" list:"lines" usage:"repository: https://, http://, ssh://, git@host:path, file:// or a local path; its last segment names the task. With a GitHub App also a pattern, https://github.com/acme/* or acme/{api,web}-*, for all repositories of its installations that match; repeatable, !pattern excludes; the variable takes one a line" value:"URL"`
	Branch      []string      `env:"BRANCH" list:"commas" usage:"a name, or a pattern: release/*, **; repeatable, !pattern excludes; the variable takes a list with commas or newlines (default: the remote's default branch)" value:"BRANCH"`
	Action      string        `env:"ACTION" usage:"command line for /bin/sh -c" value:"COMMAND"`
	Environment []secret.Text `env:"ENVIRONMENT" list:"pairs" secret:"true" usage:"for the action; repeatable; the variable takes NAME=VALUE,NAME=VALUE or one a line" value:"NAME=VALUE"`
	ActionFile  string        `env:"ACTION_FILE" usage:"instead of --action: the repository brings its actions in this file, at the revision being run" value:"FILE"`
	Trust       bool          `env:"TRUST_PUSHERS" usage:"accept that whoever may push a matching branch commands this agent; demanded by --action-file with patterns, unless there is an --action-user"`
	ConfigFile  string        `env:"CONFIG_FILE" usage:"the task file, instead of --url, --branch, --action and --environment" value:"FILE"`
}

// Config is every flag and variable. The struct tags are the one table of them:
// env names the variable and, in lower case with dashes, the flag (flag:"-": none).
type Config struct {
	Task    taskConfig     `group:"What to watch and do"`
	Poller  poller.Config  `group:"When and where"`
	Git     git.Config     `group:"Git"`
	Actions actions.Config `group:"Actions"`
	App     app.Config     `group:"GitHub App"`
	Status  status.Config  `group:"Reporting"`
	History history.Config `group:"History"`
	Control api.Config     `group:"Control"`
	Metrics metrics.Config `group:"Metrics"`
	Page    page.Config    `group:"Page"`
	Notify  notify.Config  `group:"Notifications"`
	Webhook webhook.Config `group:"Webhooks"`
}

// DefaultConfig is what counts where nothing is given.
func DefaultConfig() Config {
	return Config{
		Poller: poller.Config{
			Interval:    time.Minute,
			Timeout:     time.Hour,
			StateFile:   "./state.yaml",
			LeaseTTL:    time.Minute,
			MaxParallel: runtime.NumCPU(),
		},
		Git:     git.Config{MaxSize: git.DefaultMaxSize},
		App:     app.Config{APIURL: "https://api.github.com"},
		Status:  status.Config{LogLevel: "info", Report: reportStatus},
		History: history.Config{Keep: history.DefaultKeep()},
		Webhook: webhook.Config{DeliveriesInterval: 10 * time.Second},
	}
}

// Option is one setting: a flag, its variable, and what was given for either.
// It is the flag's pflag.Value.
type Option struct {
	group    string
	field    string // its name in Go, by which caarlos0/env reports mistakes
	index    []int  // its place in config
	key      string // INTERVAL
	Tag      reflect.StructTag
	kind     reflect.Kind
	Fallback string // the default, as text

	Given  []secret.Text // what the flag was given; nil: nothing
	values []secret.Text // what counts: the flag's, else the variable's
	origin string        // "--interval" or "KITOPS_INTERVAL"; "" when neither was given
}

// Options are all settings, in the order of config.
type Options []*Option

// NewOptions returns all settings, with nothing given for any.
func NewOptions() Options {
	var all Options
	defaults := reflect.ValueOf(DefaultConfig())
	for i := range defaults.NumField() {
		group := defaults.Type().Field(i)
		for j := range group.Type.NumField() {
			field := group.Type.Field(j)
			all = append(all, &Option{
				group:    group.Tag.Get("group"),
				field:    field.Name,
				index:    []int{i, j},
				key:      field.Tag.Get("env"),
				Tag:      field.Tag,
				kind:     field.Type.Kind(),
				Fallback: plain(defaults.Field(i).Field(j)),
			})
		}
	}
	return all
}

// Register adds the flags to a command; several commands may share them.
func (all Options) Register(flags *pflag.FlagSet) {
	for _, o := range all {
		if o.Tag.Get("flag") == "-" {
			continue
		}
		for i, name := range []string{o.Flag(), o.Tag.Get("alias")} {
			if name == "" {
				continue
			}
			f := flags.VarPF(o, name, "", o.Tag.Get("usage"))
			f.Hidden = i > 0
			if o.kind == reflect.Bool {
				f.NoOptDefVal = "true"
			}
		}
	}
}

// ByKey returns an option by its variable without the prefix, such as INTERVAL;
// nil if there is none.
func (all Options) ByKey(key string) *Option {
	for _, o := range all {
		if o.key == key {
			return o
		}
	}
	return nil
}

// Key is its name without any prefix, such as INTERVAL.
func (o *Option) Key() string { return o.key }

// Flag is the name of the flag, such as interval.
func (o *Option) Flag() string { return strings.ToLower(strings.ReplaceAll(o.key, "_", "-")) }

// Variable is the name of the variable, such as KITOPS_INTERVAL.
func (o *Option) Variable() string { return VariablePrefix + o.key }

func (o *Option) isList() bool { return o.kind == reflect.Slice }

// Set takes any text: what it means is judged once, with the variables.
func (o *Option) Set(text string) error {
	if o.isList() {
		o.Given = append(o.Given, secret.New(text))
	} else {
		o.Given = []secret.Text{secret.New(text)}
	}
	return nil
}

// String is the default, which is what pflag shows of it.
func (o *Option) String() string { return o.Fallback }

// Type is the word that stands for the value in messages of pflag.
func (o *Option) Type() string {
	if o.kind == reflect.Bool {
		return "bool"
	}
	return strings.ToLower(o.Tag.Get("value"))
}

// plain writes a value of config the way a user would, and nothing for none.
func plain(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case time.Duration:
		return yamlfile.FormatDuration(v)
	case []string:
		return strings.Join(v, ", ")
	case []secret.Text:
		return strings.Trim(fmt.Sprint(v), "[]")
	default:
		return fmt.Sprint(v)
	}
}
