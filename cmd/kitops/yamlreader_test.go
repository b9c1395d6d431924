package main

import (
	"slices"
	"strings"
	"testing"
)

func TestTaskFileMistakes(t *testing.T) {
	tests := map[string]struct{ source, want string }{
		"empty":             {"", "1:1: the file is empty"},
		"comment":           {"# nothing\n", "1:1: the file is empty"},
		"no mapping":        {"hello\n", "1:1: the task file must be a mapping, not text"},
		"no tasks":          {"tasks: []\n", "1:8: tasks is empty"},
		"null tasks":        {"tasks:\n", "1:8: tasks has no value"},
		"unknown top key":   {"task: []\n", `1:1: unknown key "task" in the task file; did you mean "tasks"?`},
		"two documents":     {file("", "", "") + "---\ntasks: []\n", "11:1: a second document"},
		"tab":               {"tasks:\n\t- name: x\n", "2:1: a tab cannot indent"},
		"not utf-8":         {"tasks:\n  - name: \xff\n", "2:11: the file is not UTF-8"},
		"control character": {"tasks:\n  - name: a\x1b[1m\n", "2:12: control character U+001B"},
		"syntax":            {"tasks: [\n", "1:8: sequence end token ']' not found"},
		"unquoted star":     {file("branch: **", "", ""), `; quote text that begins with * or !`},
		"unquoted bang":     {file("branch: !old", "", ""), `5:15: YAML tags such as "!old" are not supported; quote text`},
		"bang in list":      {file("branches: [!a, !b]", "", ""), `5:18: YAML tags such as "!a`},
		"unknown key":       {file("brnach: main", "", ""), `5:7: unknown key "brnach" in git; did you mean "branch"?`},
		"far key":           {file("", "", "frobnicate: 1"), `9:9: unknown key "frobnicate" in action; it knows name,`},
		"duplicate key":     {file("", "name: again", ""), `6:5: duplicate key "name" in task`},
		"merge key":         {file("", "<<: {a: 1}", ""), "6:5: merge keys are not supported"},
		"unknown anchor":    {file("", "on_new: *x", ""), `6:13: no anchor "x" before this alias`},
		"number for text":   {file("branch: 1.0", "", ""), "5:15: branch must be text, not a number; put it in quotes"},
		"list for text":     {file("branch: [a]", "", ""), "5:15: branch must be text, not a list"},
		"null":              {file("branch: ~", "", ""), "5:15: branch has no value"},
		"empty branch":      {file("branch: ''", "", ""), "5:15: branch is empty"},
		"both branches":     {file("branch: a\n      branches: [b]", "", ""), "branch and branches exclude each other"},
		"no branches":       {file("branches: []", "", ""), "5:17: branches: no branch given"},
		"only exclusions":   {file(`branches: ["!a"]`, "", ""), "5:17: branches: only exclusions"},
		"bad branch":        {file("branch: a..b", "", ""), "5:15: branch: "},
		"tag ref":           {file("branch: refs/tags/v1", "", ""), "5:15: branch: \"refs/tags/v1\" is no branch"},
		"bad url":           {strings.Replace(file("", "", ""), "https:", "gopher:", 1), "4:12: url: "},
		"no url":            {strings.Replace(file("branch: x", "", ""), "url: https://example.com/shop", "", 1), "5:7: git has no url"},
		"no key file":       {file("ssh_key_file: missing", "", ""), "5:21: ssh_key_file: "},
		"no unit":           {file("", "interval: 30", ""), `6:15: interval: "30" has no unit; write for instance 30s`},
		"empty duration":    {file("", "timeout: ''", ""), "6:14: timeout: empty duration"},
		"null duration":     {file("", "timeout:", ""), "timeout has no value"},
		"zero":              {file("", "timeout: 0s", ""), "6:14: timeout: \"0s\" is not positive"},
		"on_new":            {file("", "on_new: always", ""), "6:13: on_new must be remember or run"},
		"run and entry":     {file("", "", "entrypoint: x"), "8:14: run is short for entrypoint and args"},
		"run and args":      {file("", "", "args: [x]"), "8:14: run is short for entrypoint and args"},
		"no command":        {strings.Replace(file("", "", ""), "run: make", "name: x", 1), "8:9: action has no entrypoint"},
		"bad boolean":       {file("", "", "inherit_environment: yes"), "9:30: inherit_environment must be true or false, not text"},
		"environment list":  {file("", "", "environment: [A=1]"), "9:23: environment must be a mapping, not text"},
		"environment null":  {file("", "", "environment: {A: }"), "environment A has no value"},
		"environment twice": {file("", "", "environment: [A: 1, A: 2]"), `9:29: duplicate key "A" in environment`},
		"environment key":   {file("", "", "environment: {A=B: 1}"), `9:23: environment: "A=B" cannot name a variable`},
		"nul":               {file("", "", `environment: {A: "x\0y"}`), "environment A contains a NUL"},
		"long name":         {strings.Replace(file("", "", ""), "shop", strings.Repeat("x", 101), 1), "2:11: name: longer than 100 characters"},
		"control in name":   {strings.Replace(file("", "", ""), "name: shop", `name: "a\tb"`, 1), "2:11: name: contains the unprintable character U+0009"},
		"bidi in name":      {strings.Replace(file("", "", ""), "shop", "a\u202eb", 1), "2:11: name: contains the unprintable character U+202E"},
		"same name":         {file("", "", "") + strings.TrimPrefix(file("", "", ""), "tasks:\n"), `a second task is named "shop"`},
		"empty actions":     {strings.Replace(file("", "", ""), "- run: make", "[]", 1), "8:7: actions is empty"},
		"bad app id":        {file("", "github: {app_id: x, private_key_file: missing.pem}", ""), `6:22: app_id: "x" is neither`},
		"no key":            {file("", "github: {app_id: 1}", ""), "6:13: github has no private_key_file"},
		"no app id":         {file("", "github: {private_key_file: x}", ""), "6:13: github has no app_id"},
		"status context":    {file("", "github: {status_context: "+strings.Repeat("x", 256)+"}", ""), "status_context: longer than 255"},
		"too large":         {strings.Repeat("#", maxDocument+1), "1:1: the file is larger than 1 MiB"},
		"too deep":          {"tasks: " + strings.Repeat("[", 50_000), "nested too deeply"},
		"too deep in line":  {strings.Repeat("- ", 50_000), "nested too deeply"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, mistakes := parse(t, test.source)
			if !strings.Contains(mistakes, test.want) || !strings.HasPrefix(mistakes, "tasks.yaml:") {
				t.Errorf("got  %s\nwant %s", mistakes, test.want)
			}
		})
	}
}

func TestTaskFileTellsAllMistakesByLine(t *testing.T) {
	_, mistakes := parse(t, `tasks:
  - name: [x]
    git: {url: "", brnach: main}
    interval: 30
    actions:
      - run: 5
        environment: 7
  - git:
      url: x
    actions: none
`)
	want := []string{"2:11", "3:16", "3:20", "4:15", "6:14", "7:22", "8:5", "10:14"}
	var got []string
	for line := range strings.Lines(mistakes) {
		parts := strings.SplitN(line, ":", 4)
		got = append(got, parts[1]+":"+parts[2])
	}
	if !slices.Equal(got, want) {
		t.Errorf("at %v, want %v:\n%s", got, want, mistakes)
	}
}

func TestTaskFileKeepsValuesToItself(t *testing.T) {
	for _, source := range []string{
		strings.Replace(file("", "", ""), "https://example.com", "https://me:hunter2@exa mple.com", 1),
		file("", "", "environment: hunter2"),
		file("", "", "environment: {TOKEN: [hunter2]}"),
	} {
		if _, mistakes := parse(t, source); mistakes == "" || strings.Contains(mistakes, "hunter2") {
			t.Errorf("mistakes: %s", mistakes)
		}
	}
}

func TestTaskFileRefusesAliasBombs(t *testing.T) {
	source := "tasks:\n  - name: x\n    git: {url: x}\n    actions:\n      - &a\n        run: &s x\n        environment: {A: *s}\n"
	arg := strings.TrimSuffix(strings.Repeat("*s, ", 2000), ", ")
	source += "      - &b {entrypoint: x, args: [" + arg + "]}\n" + strings.Repeat("      - *b\n", 2000)
	if _, mistakes := parse(t, source); !strings.Contains(mistakes, "aliases make the file too large") {
		t.Error(mistakes)
	}
}
