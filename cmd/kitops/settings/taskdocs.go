package settings

import (
	"fmt"
	"io"
	"reflect"
	"strings"
)

// WriteTaskDocs writes the page that lists every key of the task file.
func WriteTaskDocs(w io.Writer) error {
	var b strings.Builder
	b.WriteString(`# The task file

<!-- Written by go test ./cmd/kitops/settings -run TestTaskDocs -update from the tags in cmd/kitops/settings/taskkeys.go. -->

Every key of the file that ` + "`--config-file`" + ` names. Unknown keys are mistakes, which are all told at once with line and column; ` + "`kitops check`" + ` finds them.
Durations are written ` + "`1h 30m`, `90s`, `200ms`" + `. Nothing from the environment is expanded. A default that begins with ` + "`--`" + ` is that of the flag.

Keys that begin with ` + "`x-`" + ` are ignored at every level: a place for YAML anchors, which aliases (` + "`*name`" + `) and merge keys (` + "`<<: *name`" + `) then use.

Editors that know [tasks.schema.json](tasks.schema.json) complete and check the file as it is written. The YAML language server finds it by this first line; ` + "`kitops schema`" + ` prints the schema of the version at hand:

` + "```yaml" + `
# yaml-language-server: $schema=` + SchemaURL + `
defaults:
  interval: 30s
  git: {branch: main}
  actions:
    - run: ./deploy.sh
tasks:
  - name: shop
    git: {url: "https://example.com/shop"}
  - name: api
    git: {url: "https://example.com/api", branch: stable}
` + "```" + `
`)
	for _, part := range []struct {
		title string
		keys  reflect.Type
	}{
		{"The file", reflect.TypeFor[topKeys]()},
		{"A task", reflect.TypeFor[taskKeys]()},
		{"`git`", reflect.TypeFor[gitKeys]()},
		{"`github`", reflect.TypeFor[githubKeys]()},
		{"An action", reflect.TypeFor[actionKeys]()},
		{"`allow`", reflect.TypeFor[allowKeys]()},
		{"The file that a repository brings", reflect.TypeFor[broughtKeys]()},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n| key | value | default | |\n|---|---|---|---|\n", part.title)
		writeRows(&b, part.keys)
	}
	_, err := io.WriteString(w, b.String())
	return err
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
		fmt.Fprintf(b, "| `%s` | %s | %s | %s |\n", k.name, value, fallback, strings.NewReplacer("|", `\|`, "*", `\*`, "<", "&lt;").Replace(help))
	}
}
