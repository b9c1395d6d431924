package file_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/storetest"
)

func TestFileReads(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := open(t, path)
	put(t, f, "deploy", "url: https://github.com/acme/shop\nrefs:\n  refs/heads/main: {applied: 8f0e12, attempt: 2}\n", "")
	put(t, f, "true", "{}", "")
	put(t, f, "new", "text: \"one\\ntwo\"\nlist: [a, {b: 1, c: []}]", "")
	want := `# Memory of kitops between executions. Safe to read; stop kitops before you edit it.
version: 1
tasks:
  deploy:
    refs:
      refs/heads/main:
        applied: "8f0e12"
        attempt: 2
    url: https://github.com/acme/shop
  new:
    list:
      - a
      - b: 1
        c: []
    text: "one\ntwo"
  "true": {}
`
	if got := readFile(t, path); got != want {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
}

func TestEverythingSurvivesReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := open(t, path)
	documents := storetest.OddDocuments()
	for i, key := range storetest.OddKeys() {
		put(t, f, key, documents[i%len(documents)], "")
	}
	again := open(t, path)
	for i, key := range storetest.OddKeys() {
		before, after := get(t, f, key), get(t, again, key)
		if before.Version != after.Version || string(before.Data) != string(after.Data) {
			t.Errorf("%q was %q, is %q", key, before.Data, after.Data)
		}
		if err := storetest.SameMeaning(after.Data, []byte(documents[i%len(documents)])); err != nil {
			t.Errorf("%q: %v", key, err)
		}
		put(t, again, key, "n: 1", before.Version)
	}
}

// goodFiles are edited by hand, or not made by kitops, and read nevertheless.
func goodFiles() map[string]string {
	return map[string]string{
		"empty":              "",
		"blank":              "\n  \n\t\n",
		"comment":            "# nothing yet\n",
		"no tasks":           "version: 1\n",
		"empty tasks":        "version: 1\ntasks:\n",
		"empty flow":         "version: 1\ntasks: {} # none\n",
		"document start":     "---\nversion: 1\ntasks:\n  a: {n: 1}\n",
		"other order":        "tasks:\n  a:\n    n: 1\nversion: 1 # the first\n",
		"Windows":            "\ufeffversion: 1\r\ntasks:\r\n  a:\r\n    n: 1\r\n",
		"other indentation":  "version: 1\ntasks: # all of them\n        a:\n         n:\n            1\n        b: {}\n",
		"comments between":   "version: 1\ntasks:\n# one\n  a:\n# two\n    n: 1\n  # three\n  b:\n    n: 1\n",
		"block scalar":       "version: 1\ntasks:\n  a:\n    n: |\n      # no comment\n\n       x: y\n    m: >-\n      one\n      two\n  b: {}\n",
		"flow over lines":    "version: 1\ntasks:\n  a: {n: 1,\n    m: [1,\n      2]}\n",
		"numbers for names":  "version: 1\ntasks:\n  12:\n    n: 1\n  null: {}\n",
		"changes":            "version: 2\ntasks:\n  a: {n: 1}\n  b: {}\n...\n---\n  b: null\n...\n---\n  a:\n    n: 2\n  c: {}\n...\n",
		"changes by hand":    "# mine\n---\nversion: 2\ntasks:\n  a: {n: 1}\n... \n# here\n---\n  b: \n    n: |\n      text\n\n...\n\n# end\n",
		"a change cut off":   "version: 2\ntasks:\n  a: {n: 1}\n...\n---\n  a:\n    n: 2\n..",
		"no newline at end":  "version: 1\ntasks:\n  a:\n    n: 1",
		"quoted over lines":  "version: 1\ntasks:\n  a:\n    n: \"one\n      two\"\n",
		"trailing separator": "version: 1  \ntasks:  \n  a: {}  \n",
	}
}

type badFile struct{ text, want string }

func badFiles() map[string]badFile {
	return map[string]badFile{
		"foreign":            {"hello: world\n", ":1: only version and tasks may stand here, not \"hello: world\""},
		"no version":         {"# x\ntasks:\n  a: {}\n", ":2: no version"},
		"newer":              {"version: 3\nshards: [1]\n", ":1: written by a newer kitops: version 3, this one reads 2; run that kitops"},
		"newer, at the end":  {"shards: [1]\nversion: 7\n", ":2: written by a newer kitops: version 7"},
		"odd version":        {"version: one\n", `:1: the version is "one"`},
		"version 0":          {"version: 0\n", `:1: the version is "0"`},
		"no version value":   {"version:\ntasks: {}\n", `:1: the version is ""`},
		"version twice":      {"version: 1\nversion: 1\n", ":2: the key version is there twice"},
		"tasks twice":        {"version: 1\ntasks:\n  a: {}\ntasks:\n  b: {}\n", ":4: the key tasks is there twice"},
		"unknown key":        {"version: 1\ntasks: {}\nlocks: {}\n", `:3: only version and tasks may stand here, not "locks: {}"`},
		"task twice":         {"version: 1\ntasks:\n  a: {}\n  b: {}\n  \"a\": {}\n", ":5: the task a is there twice"},
		"key twice":          {"version: 1\ntasks:\n  a:\n    n: 1\n    n: 2\n", ":5:"},
		"tasks a list":       {"version: 1\ntasks:\n  - a\n", ":3: not a task"},
		"tasks a word":       {"version: 1\ntasks: none\n", ":2: tasks is not a mapping"},
		"tasks on a line":    {"version: 1\ntasks: {a: {}}\n", ":2: tasks is not a mapping with each task on its own line"},
		"task a word":        {"version: 1\ntasks:\n  a: {}\n  b: done\n", ":4: not a mapping"},
		"task empty":         {"version: 1\ntasks:\n  a:\n  b: {}\n", ":3: not a mapping"},
		"a list":             {"- 1\n", ":1: only version and tasks"},
		"JSON":               {`{"version": 1, "tasks": {}}`, ":1: only version and tasks"},
		"a tab":              {"version: 1\ntasks:\n\ta: {}\n", ":3:"},
		"bad indentation":    {"version: 1\ntasks:\n    a: {}\n  b: {}\n", ":4: indented less"},
		"cut off":            {"version: 1\ntasks:\n  a: {}\n  b:\n    n: \"unfini", ":5:"},
		"conflict":           {"version: 1\ntasks:\n<<<<<<< HEAD\n  a: {}\n", ":3: only version and tasks"},
		"zeros":              {strings.Repeat("\x00", 4096), ":1: damaged, it holds zero bytes"},
		"binary":             {"version: 1\ntasks:\n  a:\n    n: \"\xff\xfe\"\n", ":3: not valid UTF-8"},
		"an alias bomb":      {"version: 1\ntasks:\n  a: &a [x,x]\n  b: [*a,*a]\n", ":3: anchors"},
		"a merge key":        {"version: 1\ntasks:\n  a:\n    <<: {n: 1}\n", ":4: anchors"},
		"a tag":              {"version: 1\ntasks:\n  a:\n    n: !!binary aGk=\n", ":4: tags"},
		"a complex key":      {"version: 1\ntasks:\n  a:\n    ? [n]\n    : 1\n", ":4: complex keys"},
		"deep flow":          {"version: 1\ntasks:\n  a: {n: " + strings.Repeat("[", 1e5) + "\n", ":3: nested too deeply"},
		"deep block":         {"version: 1\ntasks:\n  a:\n    " + strings.Repeat("- ", 1e5) + "\n", ":4: nested too deeply"},
		"two documents":      {"version: 1\n---\nversion: 1\n", ":2: only version and tasks"},
		"no end":             {"version: 2\ntasks:\n  a: {}\n", ":1: damaged, its end is missing"},
		"a change too early": {"version: 2\ntasks:\n  a: {}\n---\n  b: {}\n...\n", ":4: \"---\\n  b: {}\" stands where \"...\" belongs"},
		"text after the end": {"version: 2\ntasks:\n  a: {}\n...\ntasks: {}\n", ":5: \"tasks: {}\" stands where \"---\" belongs"},
		"a change too old":   {"version: 1\ntasks:\n  a: {}\n...\n---\n  b: {}\n...\n", ":4: only version and tasks"},
		"a bad change":       {"version: 2\ntasks:\n  a: {}\n...\n---\n  b: done\n...\n", ":6: not a mapping"},
		"a hole":             {"version: 2\ntasks:\n  a: {n: \x00}\n...\n", ":3: damaged, it holds zero bytes"},
		"an older hole":      {"version: 2\ntasks:\n  a: {}\n...\n---\n  b: {n: \x00}\n...\n---\n  b: {}\n...\n", ":6: damaged"},
		"a gap":              {"version: 1\ntasks:\n  a:\n    n: |\n" + strings.Repeat(" \n", 1e5), ":3: more than 1000 line breaks"},
		"numbers twice":      {"version: 1\ntasks:\n  a:\n    01: x\n    1: x\n", ":5: the key 1 is there twice"},
		"too many open keys": {"version: 1\ntasks:\n  a:\n" + within(6, 9_000), "more than 50000 keys in mappings within each other"},
		"too much effort":    {"version: 1\ntasks:\n  a:\n" + strings.Repeat("    m:\n"+strings.Repeat("      n: 1\n", 9_000), 7), "too many mappings of many keys"},
		"too many keys":      {"version: 1\ntasks:\n  a:\n" + strings.Repeat("    n: 1\n", 10_001), "more than 10000 keys in one mapping"},
	}
}

func TestFilesThatRead(t *testing.T) {
	for name, text := range goodFiles() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.yaml")
			write(t, path, text)
			f := open(t, path)
			put(t, f, "new", "n: 1", "")
			get(t, open(t, path), "new")
			if strings.Contains(text, " a:") {
				get(t, open(t, path), "a")
			}
		})
	}
}

func TestFilesThatDoNotRead(t *testing.T) {
	for name, bad := range badFiles() {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "state.yaml")
			f := open(t, path)
			version := put(t, f, "a", "n: 1", "")
			write(t, path, bad.text)

			_, err := file.Open(path)
			var format *document.FormatError
			if !errors.As(err, &format) || format.Path != path || !strings.Contains(err.Error(), bad.want) {
				t.Errorf("error %v, want a FormatError with %q", err, bad.want)
			}
			// A running agent notices, and does not overwrite it either.
			if _, err := f.Put(t.Context(), "a", []byte("n: 2"), version); !errors.As(err, &format) {
				t.Errorf("Put: error %v, want a FormatError", err)
			}
			if _, err := f.Get(t.Context(), "a"); !errors.As(err, &format) {
				t.Errorf("Get: error %v, want a FormatError", err)
			}
			if got := readFile(t, path); got != bad.text {
				t.Errorf("the file was changed to %.200q", got)
			}
			// Mended, it is used again.
			write(t, path, "version: 1\ntasks:\n  a: {n: 5}\n")
			put(t, f, "a", "n: 6", get(t, f, "a").Version)
		})
	}
}

func TestFileThatIsNoFile(t *testing.T) {
	large := filepath.Join(t.TempDir(), "state.yaml")
	write(t, large, "")
	if err := os.Truncate(large, 65<<20); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{t.TempDir(), os.DevNull, large} {
		_, err := file.Open(path)
		var format *document.FormatError
		if !errors.As(err, &format) {
			t.Errorf("%s: error %v, want a FormatError", path, err)
		}
	}
}

func put(t *testing.T, s store.Store, key, data, version string) string {
	t.Helper()
	next, err := s.Put(t.Context(), key, []byte(data), version)
	if err != nil {
		t.Fatalf("put %q: %v", key, err)
	}
	return next
}

func get(t *testing.T, s store.Store, key string) store.Document {
	t.Helper()
	doc, err := s.Get(t.Context(), key)
	if err != nil {
		t.Fatalf("get %q: %v", key, err)
	}
	return doc
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// within are mappings of many keys, each but the first below the last key of another.
func within(mappings, keys int) string {
	var b strings.Builder
	for i := range mappings {
		indent := strings.Repeat("  ", i+2)
		b.WriteString(strings.Repeat(indent+"n: 1\n", keys-1) + indent + "m:\n")
	}
	return b.String()
}
