package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
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

// pages are all documents for people, by their paths from the root.
func pages(t *testing.T) []string {
	t.Helper()
	found := []string{"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"}
	for _, path := range docsFiles(t) {
		if strings.HasSuffix(path, ".md") {
			found = append(found, path)
		}
	}
	if len(found) < 15 {
		t.Fatalf("only %v", found)
	}
	return found
}

// docsFiles are all files below docs/ and .github/.
func docsFiles(t *testing.T) []string {
	t.Helper()
	var found []string
	for _, dir := range []string{"docs", ".github"} {
		err := fs.WalkDir(os.DirFS("../.."), dir, func(path string, entry fs.DirEntry, err error) error {
			if err == nil && !entry.IsDir() {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

// TestDocsTablesAreWritten has every table that the program writes about itself
// be in its page as it is today.
func TestDocsTablesAreWritten(t *testing.T) {
	for path, tables := range map[string][]settings.Table{"docs/tasks.md": settings.KeyTables(), "docs/configuration.md": settings.NewOptions().FlagTables()} {
		page := document(t, path)
		for _, table := range tables {
			if !strings.Contains(page, table.Text) {
				t.Errorf("%s: the %s are others by now: go test ./cmd/kitops/settings -run Docs -update", path, table.Name)
			}
		}
	}
}

func TestDocsNameNoUnknownVariable(t *testing.T) {
	all := settings.NewOptions()
	for _, path := range append(pages(t), append(docsFiles(t), "Dockerfile")...) {
		for _, name := range words(document(t, path), `\b(KITOPS_[A-Z][A-Z_]*)\b`) {
			if all.ByKey(strings.TrimPrefix(name, settings.VariablePrefix)) == nil && !settings.IsForeign(name) {
				t.Errorf("%s names %s, which nothing reads", path, name)
			}
		}
	}
}

func TestDocsHaveTheVariablesOfActions(t *testing.T) {
	given := words(document(t, "poller/runaction.go")+document(t, "poller/execute.go")+document(t, "poller/eventfile.go")+document(t, "poller/version.go")+document(t, "poller/pull.go"), `"(KITOPS_[A-Z_]+)="`)
	var listed []string
	for _, row := range rows(document(t, "docs/tasks.md"), "KITOPS_.*") {
		listed = append(listed, row[0])
	}
	slices.Sort(listed)
	if len(given) == 0 || !slices.Equal(listed, given) {
		t.Errorf("tasks.md lists %v, actions get %v", listed, given)
	}
}

func TestDocsHaveTheExitCodes(t *testing.T) {
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
	for _, row := range rows(document(t, "docs/configuration.md"), "[0-9]+") {
		listed = append(listed, row[0])
	}
	if !slices.Equal(listed, codes) {
		t.Errorf("configuration.md lists %v, the program ends with %v", listed, codes)
	}
}

func TestDocsHaveTheCommands(t *testing.T) {
	var listed []string
	for _, row := range rows(document(t, "docs/configuration.md"), "kitops.*") {
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
		t.Errorf("configuration.md lists %v, the program has %v", listed, commands)
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

// docsKeys are the files that documents name, which exist nowhere else.
var docsKeys = regexp.MustCompile(`/etc/kitops/\w+(\.pem|_ed25519)`)

// docsSecrets are those with one line.
var docsSecrets = regexp.MustCompile(`/etc/kitops/\w+\.secret`)

func TestDocsTaskFilesParse(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	settingstest.Write(t, key, settingstest.AppKey(t))
	secret := filepath.Join(t.TempDir(), "secret")
	settingstest.Write(t, secret, "https://hooks.example.com/secret\n")
	signers := filepath.Join(t.TempDir(), "allowed_signers")
	settingstest.Write(t, signers, "anna@example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl\n")
	app := []string{"KITOPS_GITHUB_APP_ID=4242", "KITOPS_GITHUB_PRIVATE_KEY=" + settingstest.AppKey(t), "KITOPS_TRUST_PUSHERS=true", "KITOPS_UNTRUSTED_USER=61000"}
	var examples []string
	for _, path := range pages(t) {
		for _, example := range blocks(document(t, path), "yaml") {
			if !strings.Contains(example, "tasks:") && !strings.Contains(example, "runners:") {
				t.Errorf("%s: no task file:\n%s", path, example)
				continue
			}
			examples = append(examples, example)
			example = strings.ReplaceAll(example, "/etc/kitops/allowed_signers", signers)
			if said, code := checked(app, "--config-file", settingstest.At(t, docsSecrets.ReplaceAllString(docsKeys.ReplaceAllString(example, key), secret))); code != 0 {
				t.Errorf("%s: %s\n%s", path, said, example)
			}
			if first, _, _ := strings.Cut(strings.TrimSpace(example), "\n"); first != "# yaml-language-server: $schema="+settings.SchemaURL {
				t.Errorf("%s: editors find no schema for\n%s", path, example)
			}
		}
	}
	if len(examples) < 8 {
		t.Fatalf("only %d task files", len(examples))
	}
	// A key that does not exist makes the loader say which do.
	for _, level := range []string{
		"{tasks: [{frobnicate: 1}]}", "{tasks: [{git: {frobnicate: 1}}]}", "{tasks: [{github: {frobnicate: 1}}]}", "{tasks: [{actions: [{frobnicate: 1}]}]}", "{runners: [{frobnicate: 1}]}",
	} {
		complaint, _ := checked(nil, "--config-file", settingstest.At(t, level))
		_, known, _ := strings.Cut(complaint, "it knows ")
		known, _, _ = strings.Cut(known, "\n")
		for key := range strings.SplitSeq(known, ", ") {
			if example := strings.Join(examples, ""); !strings.Contains(example, key+":") {
				t.Errorf("no task file in docs/ shows the key %q", key)
			}
		}
	}
}

// TestDocsCommandsAreValid reads the calls of kitops in all documents as the
// shell and the program would.
func TestDocsCommandsAreValid(t *testing.T) {
	text := document(t, "docs/kitops.service")
	for _, path := range pages(t) {
		text += strings.Join(append(blocks(document(t, path), "sh"), blocks(document(t, path), "cron")...), "")
	}
	text = strings.ReplaceAll(text, "\\\n", " ")
	calls := words(text, `(?m)(?:^|[ /])kitops (?:doctor |check )?(--.*?)(?: 2>>.*)?$`)
	key := filepath.Join(t.TempDir(), "key")
	settingstest.Write(t, key, settingstest.AppKey(t))
	certPEM, keyPEM := selfSigned(t, 1)
	cert, certKey := filepath.Join(t.TempDir(), "cert"), filepath.Join(t.TempDir(), "key")
	settingstest.Write(t, cert, certPEM)
	settingstest.Write(t, certKey, keyPEM)
	if len(calls) < 12 {
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
