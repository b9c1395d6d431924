package settings

import (
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
)

func TestTaskFileMistakes(t *testing.T) {
	tests := map[string]struct{ source, want string }{
		"empty":             {"", "1:1: the file is empty"},
		"comment":           {"# nothing\n", "1:1: the file is empty"},
		"no mapping":        {"hello\n", "1:1: the task file must be a mapping, not text"},
		"no tasks":          {"tasks: []\n", "1:8: tasks is empty"},
		"null tasks":        {"tasks:\n", "1:8: tasks has no value"},
		"unknown top key":   {"task: []\n", `1:1: unknown key "task" in the task file; did you mean "tasks"?`},
		"two documents":     {settingstest.File("", "", "") + "---\ntasks: []\n", "11:1: a second document"},
		"tab":               {"tasks:\n\t- name: x\n", "2:1: a tab cannot indent"},
		"not utf-8":         {"tasks:\n  - name: \xff\n", "2:11: the file is not UTF-8"},
		"control character": {"tasks:\n  - name: a\x1b[1m\n", "2:12: control character U+001B"},
		"syntax":            {"tasks: [\n", "1:8: sequence end token ']' not found"},
		"unquoted star":     {settingstest.File("branch: **", "", ""), `; quote text that begins with * or !`},
		"unquoted bang":     {settingstest.File("branch: !old", "", ""), `5:15: YAML tags such as "!old" are not supported; quote text`},
		"bang in list":      {settingstest.File("branches: [!a, !b]", "", ""), `5:18: YAML tags such as "!a`},
		"unknown key":       {settingstest.File("brnach: main", "", ""), `5:7: unknown key "brnach" in git; did you mean "branch"?`},
		"far key":           {settingstest.File("", "", "frobnicate: 1"), `9:9: unknown key "frobnicate" in action; it knows name,`},
		"duplicate key":     {settingstest.File("", "name: again", ""), `6:5: duplicate key "name" in task`},
		"merge key":         {settingstest.File("", "<<: {a: 1}", ""), `6:10: unknown key "a" in task; it knows name,`},
		"merge of text":     {settingstest.File("", "<<: a", ""), "6:9: << must be a mapping or a list of mappings, not text"},
		"merge of itself":   {settingstest.File("", "<<: &a {<<: *a}", ""), "nested too deeply"},
		"unknown anchor":    {settingstest.File("", "on_new: *x", ""), `6:13: no anchor "x" before this alias`},
		"signed by nobody":  {settingstest.File("", "verify: {forward_only: false}", ""), "6:13: verify has no gpg_keys"},
		"web_flow: false":   {settingstest.File("", "verify: {web_flow: false}", ""), "6:24: web_flow: without it nobody's signature counts"},
		"web_flow on disk":  {strings.Replace(settingstest.File("", "verify: {web_flow: true}", ""), "https://example.com/shop", "file:///srv/shop", 1), "6:24: web_flow: file:///srv/shop is on this machine"},
		"number for text":   {settingstest.File("branch: 1.0", "", ""), "5:15: branch must be text, not a number; put it in quotes"},
		"list for text":     {settingstest.File("branch: [a]", "", ""), "5:15: branch must be text, not a list"},
		"null":              {settingstest.File("branch: ~", "", ""), "5:15: branch has no value"},
		"empty branch":      {settingstest.File("branch: ''", "", ""), "5:15: branch is empty"},
		"both branches":     {settingstest.File("branch: a\n      branches: [b]", "", ""), "branch and branches exclude each other"},
		"no branches":       {settingstest.File("branches: []", "", ""), "5:17: branches: no branch given"},
		"only exclusions":   {settingstest.File(`branches: ["!a"]`, "", ""), "5:17: branches: only exclusions"},
		"bad branch":        {settingstest.File("branch: a..b", "", ""), "5:15: branch: "},
		"tag ref":           {settingstest.File("branch: refs/tags/v1", "", ""), "5:15: branch: \"refs/tags/v1\" is no branch"},
		"pulls of forks":    {settingstest.File("", "pull_requests: {from: approved}", ""), "6:27: from: approved runs what strangers have written: give them a user"},
		"pulls of anybody":  {settingstest.File("", "pull_requests: {from: anybody}", ""), `from must be repository or approved, not "anybody"`},
		"pulls, no app":     {settingstest.File("", "pull_requests: {}", ""), "pull_requests needs a GitHub App"},
		"pulls for HEAD":    {settingstest.File("", "pull_requests: {base: [HEAD]}", ""), "branches are given by name here, not as HEAD"},
		"tag":               {settingstest.File("tags: [tags/v1]", "", ""), `5:14: tag: "tags/v1": leave out tags/`},
		"branch for tag":    {settingstest.File("tags: [refs/heads/v1]", "", ""), `5:14: tag: "refs/heads/v1" is no tag`},
		"tag exclusions":    {settingstest.File(`tags: ["!v*"]`, "", ""), "5:13: tags: only exclusions"},
		"no semver":         {settingstest.File("tags: {match: v*}", "", ""), "5:13: tags has no semver"},
		"bad semver":        {settingstest.File("tags: {semver: latest}", "", ""), `5:13: tags: semver: "latest" is no range of versions`},
		"prerelease bound":  {settingstest.File(`tags: {semver: ">=1.0.0-rc.1"}`, "", ""), "names a prerelease, of which there are none without prerelease: true"},
		"bad match":         {settingstest.File(`tags: {semver: "*", match: v1}`, "", ""), "match: \"v1\" has not exactly one *"},
		"unknown tag key":   {settingstest.File(`tags: {semver: "*", prereleases: true}`, "", ""), `unknown key "prereleases" in tags; did you mean "prerelease"?`},
		"bad url":           {strings.Replace(settingstest.File("", "", ""), "https:", "gopher:", 1), "4:12: url: "},
		"no url":            {strings.Replace(settingstest.File("branch: x", "", ""), "url: https://example.com/shop", "", 1), "5:7: git has no url"},
		"no key file":       {settingstest.File("ssh_key_file: missing", "", ""), "5:21: ssh_key_file: "},
		"no unit":           {settingstest.File("", "interval: 30", ""), `6:15: interval: "30" has no unit; write for instance 30s`},
		"empty duration":    {settingstest.File("", "timeout: ''", ""), "6:14: timeout: empty duration"},
		"null duration":     {settingstest.File("", "timeout:", ""), "timeout has no value"},
		"zero":              {settingstest.File("", "timeout: 0s", ""), "6:14: timeout: \"0s\" is not positive"},
		"paths":             {settingstest.File("", "paths: [/api]", ""), `6:13: path: pattern "/api": paths begin at the root of the repository: leave the first / out`},
		"on_nothing":        {settingstest.File("", "on_nothing: green", ""), "6:17: on_nothing must be success or silent"},
		"on_new":            {settingstest.File("", "on_new: always", ""), "6:13: on_new must be remember or run"},
		"run and entry":     {settingstest.File("", "", "entrypoint: x"), "8:14: run is short for entrypoint and args"},
		"run and args":      {settingstest.File("", "", "args: [x]"), "8:14: run is short for entrypoint and args"},
		"no command":        {strings.Replace(settingstest.File("", "", ""), "run: make", "name: x", 1), "8:9: action has no entrypoint"},
		"bad boolean":       {settingstest.File("", "", "inherit_environment: yes"), "9:30: inherit_environment must be true or false, not text"},
		"environment list":  {settingstest.File("", "", "environment: [A=1]"), "9:23: environment must be a mapping, not text"},
		"environment null":  {settingstest.File("", "", "environment: {A: }"), "environment A has no value"},
		"environment twice": {settingstest.File("", "", "environment: [A: 1, A: 2]"), `9:29: duplicate key "A" in environment`},
		"environment key":   {settingstest.File("", "", "environment: {A=B: 1}"), `9:23: environment: "A=B" cannot name a variable`},
		"nul":               {settingstest.File("", "", `environment: {A: "x\0y"}`), "environment A contains a NUL"},
		"long name":         {strings.Replace(settingstest.File("", "", ""), "shop", strings.Repeat("x", 101), 1), "2:11: name: longer than 100 characters"},
		"control in name":   {strings.Replace(settingstest.File("", "", ""), "name: shop", `name: "a\tb"`, 1), "2:11: name: contains the unprintable character U+0009"},
		"four bytes":        {strings.Replace(settingstest.File("", "", ""), "shop", "a😀b", 1), "2:11: name: contains 😀 (U+1F600), which GitHub refuses in a commit status"},
		"bidi in name":      {strings.Replace(settingstest.File("", "", ""), "shop", "a\u202eb", 1), "2:11: name: contains the unprintable character U+202E"},
		"same name":         {settingstest.File("", "", "") + strings.TrimPrefix(settingstest.File("", "", ""), "tasks:\n"), `a second task is named "shop"`},
		"empty actions":     {strings.Replace(settingstest.File("", "", ""), "- run: make", "[]", 1), "8:7: actions is empty"},
		"bad app id":        {settingstest.File("", "github: {app_id: x, private_key_file: missing.pem}", ""), `6:22: app_id: "x" is neither`},
		"no key":            {settingstest.File("", "github: {app_id: 1}", ""), "6:13: github has no private_key_file"},
		"no app id":         {settingstest.File("", "github: {private_key_file: x}", ""), "6:13: github has no app_id"},
		"status context":    {settingstest.File("", "github: {status_context: "+strings.Repeat("x", 256)+"}", ""), "status_context: longer than 255"},
		"too large":         {strings.Repeat("#", yamlfile.MaxDocument+1), "1:1: the file is larger than 1 MiB"},
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
		strings.Replace(settingstest.File("", "", ""), "https://example.com", "https://me:hunter2@exa mple.com", 1),
		settingstest.File("", "", "environment: hunter2"),
		settingstest.File("", "", "environment: {TOKEN: [hunter2]}"),
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
