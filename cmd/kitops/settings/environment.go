package settings

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caarlos0/env/v10"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/secret"
)

const (
	// VariablePrefix begins the name of every variable that kitops reads.
	VariablePrefix = "KITOPS_"
	// listSeparator joins lists for caarlos0/env: neither arguments nor variables can hold it.
	listSeparator = "\x00"
)

// read merges flags and variables over the defaults. It returns every value
// that makes no sense, in the order of the help.
func (all Options) read(environ []string) (Config, []error) {
	cfg := DefaultConfig()
	variables := env.ToMap(environ)
	merged := map[string]string{}
	empty := map[string]bool{}
	for _, o := range all {
		o.merge(variables)
		if o.origin == "" {
			continue
		}
		merged[o.Variable()] = strings.Join(revealed(o.values), listSeparator)
		empty[o.field] = len(o.values) == 0 || o.has("")
	}
	found := map[string]error{}
	var aggregate env.AggregateError
	if err := env.ParseWithOptions(&cfg, env.Options{Environment: merged, Prefix: VariablePrefix, FuncMap: parsers()}); errors.As(err, &aggregate) {
		for _, err := range aggregate.Errors {
			var wrong env.ParseError
			if errors.As(err, &wrong) {
				found[wrong.Name] = wrong.Err
			}
		}
	}
	var mistakes []error
	for _, o := range all {
		switch err := found[o.field]; {
		case empty[o.field]: // env skips it
			mistakes = append(mistakes, fmt.Errorf("%s: empty %s", o.origin, o.noun()))
		case err != nil:
			mistakes = append(mistakes, fmt.Errorf("%s: %w", o.origin, err))
		}
	}
	return cfg, mistakes
}

// merge decides what counts. An empty variable counts as set.
func (o *Option) merge(variables map[string]string) {
	text, set := variables[o.Variable()]
	switch {
	case o.Given != nil:
		o.values, o.origin = o.Given, "--"+o.Flag()
	case set:
		o.values, o.origin = concealed(o.split(text)), o.Variable()
	default:
		o.values, o.origin = nil, ""
	}
}

// has tells whether this is a value that counts.
func (o *Option) has(text string) bool { return slices.Contains(o.values, secret.New(text)) }

func concealed(texts []string) []secret.Text {
	all := make([]secret.Text, len(texts))
	for i, text := range texts {
		all[i] = secret.New(text)
	}
	return all
}

func revealed(secrets []secret.Text) []string {
	all := make([]string, len(secrets))
	for i, s := range secrets {
		all[i] = s.Reveal()
	}
	return all
}

// split reads a variable that holds a list: one entry a line when it has
// newlines, else with commas.
func (o *Option) split(text string) []string {
	switch list := o.Tag.Get("list"); {
	case list == "":
		return []string{text}
	case strings.Contains(text, "\n"):
		var lines []string
		for line := range strings.Lines(text) {
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
				lines = append(lines, line)
			}
		}
		return lines
	case list == "lines":
		return []string{text}
	case list == "pairs":
		return splitPairs(text)
	default:
		entries := strings.Split(text, ",")
		for i := range entries {
			entries[i] = strings.TrimSpace(entries[i])
		}
		return entries
	}
}

// splitPairs splits only before NAME=, so that values may hold commas.
func splitPairs(text string) []string {
	var pairs []string
	for i, piece := range strings.Split(text, ",") {
		if i == 0 || startsPair(piece) {
			pairs = append(pairs, piece)
		} else {
			pairs[len(pairs)-1] += "," + piece
		}
	}
	return pairs
}

func startsPair(piece string) bool {
	name, _, found := strings.Cut(piece, "=")
	return found && name != "" && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z')
	}) && (name[0] < '0' || name[0] > '9')
}

func (o *Option) noun() string {
	if name := strings.ToLower(o.Tag.Get("value")); name != "" {
		return name
	}
	return "value"
}

// parsers read the types of config, with messages for people.
func parsers() map[reflect.Type]env.ParserFunc {
	return map[reflect.Type]env.ParserFunc{
		reflect.TypeFor[time.Duration](): func(text string) (any, error) {
			if strings.TrimSpace(text) == "0" {
				return time.Duration(0), nil // off, where that has a meaning
			}
			return yamlfile.ParseDuration(text)
		},
		reflect.TypeFor[git.Size](): func(text string) (any, error) {
			var size git.Size
			err := size.UnmarshalText([]byte(text))
			return size, err
		},
		reflect.TypeFor[secret.Text](): func(text string) (any, error) { return secret.New(text), nil },
		reflect.TypeFor[bool](): func(text string) (any, error) {
			value, err := strconv.ParseBool(text)
			if err != nil {
				return nil, fmt.Errorf("%q is not true or false", text)
			}
			return value, nil
		},
		reflect.TypeFor[int](): func(text string) (any, error) {
			value, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return nil, fmt.Errorf("%q is not a whole number below %d", text, math.MaxInt32)
			}
			return int(value), nil
		},
		reflect.TypeFor[[]secret.Text](): func(text string) (any, error) {
			return concealed(strings.Split(text, listSeparator)), nil
		},
		reflect.TypeFor[[]string](): func(text string) (any, error) {
			return strings.Split(text, listSeparator), nil
		},
	}
}

// unknownVariables warns of KITOPS_ variables that nothing reads.
func (all Options) unknownVariables(environ []string) []string {
	var known, warnings []string
	for _, o := range all {
		known = append(known, o.Variable())
	}
	for _, entry := range environ {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, VariablePrefix) || slices.Contains(known, name) || IsForeign(name) || name == VariablePrefix+"TEST_LEASE_TTL" {
			continue
		}
		warnings = append(warnings, fmt.Sprintf("unknown variable %s is ignored; did you mean %s?", name, yamlfile.Nearest(name, known)))
	}
	slices.Sort(warnings)
	return warnings
}

// IsForeign tells the variables that kitops gives to actions, and those that
// Kubernetes makes for a service named kitops.
func IsForeign(name string) bool {
	suffix := strings.TrimPrefix(name, VariablePrefix)
	return isGiven(name) || strings.HasPrefix(suffix, "PORT") || strings.HasPrefix(suffix, "SERVICE_")
}

// isGiven tells the variables that kitops gives to actions.
func isGiven(name string) bool {
	suffix, ours := strings.CutPrefix(name, VariablePrefix)
	switch suffix {
	case "SHA", "LAST_SUCCESSFUL_SHA", "REF", "REF_NAME", "REPOSITORY_URL", "TASK_NAME", "ACTION_NAME", "RUN_ID", "RUN_ATTEMPT",
		"TAG", "TAG_SHA", "PULL_REQUEST", "BASE_REF", "BASE_SHA", "HEAD_SHA", "HEAD_REPOSITORY",
		"OUTCOME", "FAILED_ACTION", "EXIT_CODE", "REASON", "LOG_FILE", "EVENT_FILE", "EVENT_NAME", "CHANGED_FILES", "SIGNER":
		return ours
	}
	return false
}
