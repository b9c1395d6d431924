package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller/secret"
)

// document reads a file of the project, by its path from the root.
func document(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// rows returns the cells of the table rows whose first cell matches, without backquotes.
func rows(text, first string) [][]string {
	matches := regexp.MustCompile("^`?(?:" + first + ")`?$")
	var found [][]string
	for line := range strings.Lines(text) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 {
			continue
		}
		cells = cells[1 : len(cells)-1]
		for i := range cells {
			cells[i] = strings.Trim(strings.TrimSpace(cells[i]), "`")
		}
		if matches.MatchString(cells[0]) {
			found = append(found, cells)
		}
	}
	return found
}

// words returns what a pattern matches, each once and sorted.
func words(text, pattern string) []string {
	found := map[string]bool{}
	for _, match := range regexp.MustCompile(pattern).FindAllStringSubmatch(text, -1) {
		found[match[len(match)-1]] = true
	}
	return slices.Sorted(maps.Keys(found))
}

func TestReadmeHasEveryFlagAndNoOther(t *testing.T) {
	readme := document(t, "README.md")
	all := settings.NewOptions()
	want := map[string][]string{}
	for _, o := range all {
		if o.Tag.Get("flag") == "-" {
			continue
		}
		head := strings.TrimSpace("--" + o.Flag() + " " + o.Tag.Get("value"))
		want[head] = []string{o.Variable(), o.Fallback}
	}
	for _, row := range rows(readme, "--[a-z].*") {
		entry, ok := want[row[0]]
		if !ok {
			t.Errorf("README has %q, the program does not", row[0])
			continue
		}
		delete(want, row[0])
		if row[1] != entry[0] {
			t.Errorf("README gives %s the variable %s, the program %s", row[0], row[1], entry[0])
		}
		switch fallback := entry[1]; {
		case row[0] == "--max-parallel N": // differs from machine to machine
		case fallback != "" && fallback != "false" && row[2] != fallback:
			t.Errorf("README gives %s the default %q, the program %q", row[0], row[2], fallback)
		}
	}
	for head := range want {
		t.Errorf("README does not list %s", head)
	}
}

func TestDocumentsNameNoUnknownVariable(t *testing.T) {
	all := settings.NewOptions()
	for _, path := range []string{"README.md", "CHANGELOG.md", "Dockerfile", "docs/periodic.md", "docs/kitops.service"} {
		for _, name := range words(document(t, path), `\b(KITOPS_[A-Z][A-Z_]*)\b`) {
			if all.ByKey(strings.TrimPrefix(name, settings.VariablePrefix)) == nil && !settings.IsForeign(name) {
				t.Errorf("%s names %s, which nothing reads", path, name)
			}
		}
	}
	for _, o := range all {
		if !strings.Contains(document(t, "README.md"), "`"+o.Variable()+"`") {
			t.Errorf("README does not name %s", o.Variable())
		}
	}
}

func TestReadmeHasTheVariablesOfActions(t *testing.T) {
	given := words(document(t, "poller/run.go"), `"(KITOPS_[A-Z_]+)="`)
	var listed []string
	for _, row := range rows(document(t, "README.md"), "KITOPS_.*") {
		listed = append(listed, row[0])
	}
	slices.Sort(listed)
	if len(given) == 0 || !slices.Equal(listed, given) {
		t.Errorf("README lists %v, actions get %v", listed, given)
	}
}

func TestReadmeHasTheExitCodes(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "main.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	codes := []string{"0"}
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(spec.Names[0].Name, "exit") {
			codes = append(codes, spec.Values[0].(*ast.BasicLit).Value)
		}
		return true
	})
	var listed []string
	for _, row := range rows(document(t, "README.md"), "[0-9]+") {
		listed = append(listed, row[0])
	}
	if !slices.Equal(listed, codes) {
		t.Errorf("README lists %v, the program ends with %v", listed, codes)
	}
}

func TestReadmeHasTheCommands(t *testing.T) {
	var listed []string
	for _, row := range rows(document(t, "README.md"), "kitops.*") {
		listed = append(listed, words(row[0], `kitops ([a-z]+)`)...)
	}
	root := program{}.command()
	root.InitDefaultCompletionCmd()
	var commands []string
	for _, command := range root.Commands() {
		if !command.Hidden {
			commands = append(commands, command.Name())
		}
	}
	slices.Sort(listed)
	slices.Sort(commands)
	if !slices.Equal(listed, commands) {
		t.Errorf("README lists %v, the program has %v", listed, commands)
	}
}

// blocks returns the code blocks of a language, also indented ones.
func blocks(text, language string) []string {
	var found []string
	for _, match := range regexp.MustCompile("(?ms)^ *```"+language+"\n(.*?)^ *```$").FindAllStringSubmatch(text, -1) {
		found = append(found, match[1])
	}
	return found
}

func TestReadmeTaskFilesParse(t *testing.T) {
	examples := blocks(document(t, "README.md"), "yaml")
	if len(examples) == 0 {
		t.Fatal("README has no task file")
	}
	key := filepath.Join(t.TempDir(), "key")
	settingstest.Write(t, key, settingstest.AppKey(t))
	for _, example := range examples {
		path := settingstest.At(t, regexp.MustCompile(`/etc/kitops/\w+(\.pem|_ed25519)`).ReplaceAllString(example, key))
		if said, code := checked([]string{"KITOPS_GITHUB_APP_ID=4242", "KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t), "KITOPS_TRUST_PUSHERS=true"}, "--config-file", path); code != 0 {
			t.Errorf("%s\n%s", said, example)
		}
	}
	for _, path := range []string{"README.md", "docs/tasks.md", "docs/periodic.md"} {
		for _, example := range blocks(document(t, path), "yaml") {
			if first, _, _ := strings.Cut(strings.TrimSpace(example), "\n"); first != "# yaml-language-server: $schema="+settings.SchemaURL {
				t.Errorf("%s: editors find no schema for\n%s", path, example)
			}
		}
	}
	// A key that does not exist makes the loader say which do.
	for _, level := range []string{
		"{tasks: [{frobnicate: 1}]}", "{tasks: [{git: {frobnicate: 1}}]}", "{tasks: [{github: {frobnicate: 1}}]}", "{tasks: [{actions: [{frobnicate: 1}]}]}",
	} {
		complaint, _ := checked(nil, "--config-file", settingstest.At(t, level))
		_, known, _ := strings.Cut(complaint, "it knows ")
		known, _, _ = strings.Cut(known, "\n")
		for key := range strings.SplitSeq(known, ", ") {
			if example := strings.Join(examples, ""); !strings.Contains(example, key+":") {
				t.Errorf("no task file in README shows the key %q", key)
			}
		}
	}
}

// TestDocumentedCommandsAreValid reads the calls of kitops in all documents
// as the shell and the program would.
func TestDocumentedCommandsAreValid(t *testing.T) {
	text := strings.Join(blocks(document(t, "README.md"), "sh"), "") +
		strings.Join(blocks(document(t, "docs/periodic.md"), "cron"), "") + document(t, "docs/kitops.service")
	text = strings.ReplaceAll(text, "\\\n", " ")
	calls := words(text, `(?m)(?:^|[ /])kitops (?:doctor |check )?(--.*?)(?: 2>>.*)?$`)
	key := filepath.Join(t.TempDir(), "key")
	settingstest.Write(t, key, settingstest.AppKey(t))
	certPEM, keyPEM := selfSigned(t, 1)
	cert, certKey := filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	settingstest.Write(t, cert, certPEM)
	settingstest.Write(t, certKey, keyPEM)
	if len(calls) < 8 {
		t.Fatalf("only %q", calls)
	}
	for _, call := range calls {
		args, err := exec.Command("sh", "-c", `words() { printf '%s\n' "$@"; }; words `+call).Output()
		if err != nil {
			t.Errorf("%s: %v", call, err)
			continue
		}
		all := settings.NewOptions()
		flags := pflag.NewFlagSet("kitops", pflag.ContinueOnError)
		all.Register(flags)
		if err := flags.Parse(strings.Split(strings.TrimSuffix(string(args), "\n"), "\n")); err != nil {
			t.Errorf("%s: %v", call, err)
			continue
		}
		if o := all.ByKey("CONFIG_FILE"); o.Given != nil {
			o.Given = []secret.Text{secret.New(settingstest.At(t, settingstest.File("", "", "")))}
		}
		if o := all.ByKey("GITHUB_PRIVATE_KEY_FILE"); o.Given != nil {
			o.Given = []secret.Text{secret.New(key)}
		}
		for name, path := range map[string]string{"WEBHOOK_SECRET_FILE": key, "TLS_CERT_FILE": cert, "TLS_KEY_FILE": certKey} {
			if o := all.ByKey(name); o.Given != nil {
				o.Given = []secret.Text{secret.New(path)}
			}
		}
		if _, _, err := all.Load(nil); err != nil {
			t.Errorf("%s: %v", call, err)
		}
	}
}

func TestLinksLeadSomewhere(t *testing.T) {
	readme := document(t, "README.md")
	headings := map[string]bool{}
	for _, heading := range words(readme, `(?m)^#+ (.*)$`) {
		slug := regexp.MustCompile(`[^\p{L}\p{N} -]`).ReplaceAllString(strings.ToLower(heading), "")
		headings["#"+strings.ReplaceAll(slug, " ", "-")] = true
	}
	for _, link := range words(readme, `\]\(([^)]+)\)`) {
		if strings.HasPrefix(link, "#") {
			if !headings[link] {
				t.Errorf("README has no heading for %s", link)
			}
		} else if _, err := os.Stat(filepath.Join("../..", link)); err != nil && !strings.Contains(link, "://") {
			t.Error(err)
		}
	}
}
