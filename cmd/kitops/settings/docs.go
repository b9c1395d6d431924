package settings

import (
	"fmt"
	"reflect"
	"regexp"
	"strings"
)

// Table is one of those in docs/ that the program writes about itself.
type Table struct {
	Name string // of the mark in the page
	Text string // Markdown
}

// cell writes a text as one cell of a table. Words that are typed as they stand become code.
func cell(text string) string {
	code := regexp.MustCompile(`--[a-z][a-z-]+|KITOPS_[A-Z_]+|!pattern|~/[\w./]+|[a-z]+://[\w./*{}-]*|git@host:path|[\w./{},-]*\*[\w/*]*`)
	return strings.ReplaceAll(code.ReplaceAllString(text, "`$0`"), "|", `\|`)
}

// KeyTables list every key of the task file, from the tags in taskkeys.go.
func KeyTables() []Table {
	var tables []Table
	for _, part := range []struct {
		name string
		keys reflect.Type
	}{
		{"the file", reflect.TypeFor[topKeys]()},
		{"a task", reflect.TypeFor[taskKeys]()},
		{"git", reflect.TypeFor[gitKeys]()},
		{"pull_requests", reflect.TypeFor[pullKeys]()},
		{"github", reflect.TypeFor[githubKeys]()},
		{"an action", reflect.TypeFor[actionKeys]()},
		{"runners", reflect.TypeFor[runnerKeys]()},
		{"verify", reflect.TypeFor[verifyKeys]()},
		{"allow", reflect.TypeFor[allowKeys]()},
		{"the file that a repository brings", reflect.TypeFor[broughtKeys]()},
	} {
		var b strings.Builder
		b.WriteString("| Key | Value | Default | Meaning |\n|---|---|---|---|\n")
		writeRows(&b, part.keys)
		tables = append(tables, Table{"keys of " + part.name, b.String()})
	}
	return tables
}

func writeRows(b *strings.Builder, t reflect.Type) {
	keys := reflect.New(t).Elem()
	for _, k := range keysOf(t) {
		value := valueOf(keys, k).words()
		if len(k.values) > 0 {
			value = "`" + strings.Join(k.values, "`, `") + "`"
		}
		fallback := k.fallback
		if fallback != "" && !strings.Contains(fallback, " ") {
			fallback = "`" + fallback + "`"
		}
		switch {
		case len(k.need) == 0:
		case k.need[0] == "yes":
			fallback = "required"
		default:
			fallback = "required, or `" + strings.Join(k.need, "`, `") + "`"
		}
		help := k.help
		if k.own {
			help += " Not in `defaults`."
		}
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.name, value, fallback, cell(help))
	}
}

// FlagTables list every flag with its variable, from the tags of the options.
func (all Options) FlagTables() []Table {
	var tables []Table
	for _, o := range all {
		if len(tables) == 0 || tables[len(tables)-1].Name != "flags: "+o.group {
			tables = append(tables, Table{"flags: " + o.group, "| Flag | Variable | Default | Meaning |\n|---|---|---|---|\n"})
		}
		if usage := o.Tag.Get("usage"); usage != "" { // else the usage of another names the variable
			tables[len(tables)-1].Text += o.row(usage)
		}
	}
	return tables
}

func (o *Option) row(usage string) string {
	fallback := ""
	if o.Fallback != "false" && o.Fallback != "" {
		fallback = "`" + o.Fallback + "`"
	}
	if meaning, words, ok := strings.Cut(usage, " (default: "); ok { // in words, at the end
		usage, fallback = meaning, cell(strings.TrimSuffix(words, ")"))
	}
	if words := o.Tag.Get("default"); words != "" { // differs from machine to machine
		fallback = words
	}
	head := strings.TrimSpace("--" + o.Flag() + " " + o.Tag.Get("value"))
	return fmt.Sprintf("| `%s` | `%s` | %s | %s |\n", head, o.Variable(), fallback, cell(usage))
}
