package settings

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
)

var update = flag.Bool("update", false, "write the documents that are made from the program")

// wantDocument holds a document to what the program writes.
func wantDocument(t *testing.T, path string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, want, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program says of itself (%v); write it anew:\n\tgo test ./cmd/kitops/settings -run Docs -update", path, err)
	}
}

func TestSchemaDocs(t *testing.T) {
	var b bytes.Buffer
	if err := WriteSchema(&b); err != nil {
		t.Fatal(err)
	}
	wantDocument(t, "../../../docs/tasks.schema.json", b.Bytes())
}

var compiledSchema = sync.OnceValues(func() (*jsonschema.Schema, error) {
	var b bytes.Buffer
	if err := WriteSchema(&b); err != nil {
		return nil, err
	}
	decoded, err := jsonschema.UnmarshalJSON(&b)
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("tasks.schema.json", decoded); err != nil {
		return nil, err
	}
	return c.Compile("tasks.schema.json")
})

// judged is what the schema says of a task file that parses as YAML.
func judged(t *testing.T, source string) error {
	t.Helper()
	compiled, err := compiledSchema()
	if err != nil {
		t.Fatal(err)
	}
	data, err := yaml.YAMLToJSON([]byte(strings.TrimPrefix(source, "\ufeff")))
	if err != nil {
		t.Fatal(err)
	}
	var file any
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	return compiled.Validate(file)
}

func TestSchemaRefusesWhatKitopsRefuses(t *testing.T) {
	for name, source := range map[string]string{
		"no tasks":            "defaults: {}",
		"empty tasks":         "tasks: []",
		"unknown top key":     "task: []\n" + settingstest.File("", "", ""),
		"unknown key":         settingstest.File("brnach: main", "", ""),
		"number for text":     settingstest.File("branch: 1.0", "", ""),
		"empty text":          settingstest.File("branch: ''", "", ""),
		"null":                settingstest.File("branch: ~", "", ""),
		"both branches":       settingstest.File("branch: a\n      branches: [b]", "", ""),
		"no url":              strings.Replace(settingstest.File("branch: x", "", ""), "url: https://example.com/shop", "", 1),
		"no name":             strings.Replace(settingstest.File("", "interval: 1s", ""), "name: shop", "on_new: run", 1),
		"no unit":             settingstest.File("", "interval: '30'", ""),
		"a number":            settingstest.File("", "interval: 30", ""),
		"on_new":              settingstest.File("", "on_new: always", ""),
		"checkout":            settingstest.File("checkout: keep", "", ""),
		"history":             settingstest.File("history: 0", "", ""),
		"all history":         settingstest.File("history: all", "", ""),
		"run and entrypoint":  settingstest.File("", "", "entrypoint: x"),
		"run and args":        settingstest.File("", "", "args: [x]"),
		"no command":          strings.Replace(settingstest.File("", "", ""), "run: make", "name: x", 1),
		"boolean":             settingstest.File("", "", "inherit_environment: 'yes'"),
		"environment":         settingstest.File("", "", "environment: [A=1]"),
		"variable":            settingstest.File("", "", "environment: {1A: x}"),
		"null in environment": settingstest.File("", "", "environment: {A: }"),
		"token":               settingstest.File("", "", "github_token: {contents: admin}"),
		"empty token":         settingstest.File("", "", "github_token: {}"),
		"empty actions":       strings.Replace(settingstest.File("", "", ""), "- run: make", "[]", 1),
		"config and actions":  settingstest.File("", "config: x", ""),
		"name in defaults":    "defaults: {name: x}\n" + settingstest.File("", "", ""),
		"url in defaults":     "defaults: {git: {url: x}}\n" + settingstest.File("", "", ""),
		"default":             "defaults: {actions: [{name: x}]}\n" + settingstest.File("", "", ""),
	} {
		if err := judged(t, source); err == nil {
			t.Errorf("%s: the schema takes\n%s", name, source)
		}
		if _, mistakes := parse(t, source); mistakes == "" {
			t.Errorf("%s: kitops takes\n%s", name, source)
		}
	}
}
