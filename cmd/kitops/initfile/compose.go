package initfile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/cmd/kitops/settings"
)

const template = `# yaml-language-server: $schema=%s

# What kitops watches, and what it does. Every key stands in
# https://github.com/bittrance/kitops/blob/main/docs/tasks.md
tasks:
  - name: %s
    git:
      url: %s
%s    # How often to ask the repository, and how long one run may take:
    # interval: 1m
    # timeout: 1h
    actions:
      # A command line in a fresh checkout of each new commit, $KITOPS_SHA.
      - run: %s
`

// compose returns a task file that means this task, and nothing else.
func (i *Init) compose(task settings.Task) ([]byte, error) {
	branch := "      # A branch, or a pattern such as 'release/*'; without it the default branch:\n      # branch: main\n"
	if i.Branch != "" {
		branch = "      # A branch, or a pattern such as 'release/*':\n      branch: " + scalar(i.Branch) + "\n"
	}
	source := fmt.Appendf(nil, template, settings.SchemaURL, scalar(task.Name), scalar(i.URL), branch, scalar(i.Action))
	again, err := settings.Preview(i.Environ, i.Path, source)
	if err != nil {
		return nil, fmt.Errorf("the task file that would be written has mistakes: %w", err)
	}
	if len(again.Tasks) != 1 || !same(again.Tasks[0], task) {
		return nil, settings.Mistake("no task file can be written with these characters; write one by hand (docs/tasks.md)")
	}
	return source, nil
}

// same tells whether two tasks watch and do the same.
func same(a, b settings.Task) bool {
	return a.Name == b.Name && a.URL == b.URL && (a.Repos == nil) == (b.Repos == nil) && slices.Equal(a.Refs, b.Refs) &&
		len(a.Actions) == 1 && a.Actions[0].Entrypoint == b.Actions[0].Entrypoint && slices.Equal(a.Actions[0].Args, b.Actions[0].Args)
}

// scalar writes text as YAML, as plainly as it goes.
func scalar(text string) string {
	plain := regexp.MustCompile(`^[A-Za-z./][\w./@:%~+=-]*( [\w./@%~+=-]+)*$`)
	var read any
	if plain.MatchString(text) && yaml.Unmarshal([]byte(text), &read) == nil && read == text {
		return text
	}
	if !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "'" + strings.ReplaceAll(text, "'", "''") + "'"
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b) // a string in JSON is one in YAML
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(text) // strings always can be
	return strings.TrimSuffix(b.String(), "\n")
}
