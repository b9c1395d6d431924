package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
)

// taskFile reads tasks from a YAML file.
type taskFile struct {
	*yamlReader
	dir      string // paths in the file are relative to it
	defaults config
	common   *githubSettings // of tasks without a github key
	names    map[string]bool
}

// readTaskFile returns the tasks, or every mistake in the file.
func readTaskFile(path string, defaults config) ([]taskSettings, []error) {
	source, err := readLimited(path, maxDocument+1)
	if err != nil {
		return nil, []error{err}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, []error{fmt.Errorf("locate %s: %w", path, err)}
	}
	return parseTaskFile(path, dir, source, defaults)
}

func parseTaskFile(path, dir string, source []byte, defaults config) ([]taskSettings, []error) {
	f := taskFile{&yamlReader{file: path, needs: "tasks"}, dir, defaults, defaults.github(), map[string]bool{}}
	body := f.parse(source)
	if body == nil {
		return nil, f.errors()
	}
	var tasks []taskSettings
	top := f.mapping(body, "the task file", "tasks")
	top.require("tasks")
	if n := top.values["tasks"]; n != nil {
		entries := f.list(n, "tasks")
		if seq, ok := f.value(n).(*ast.SequenceNode); ok && len(seq.Values) == 0 {
			f.wrong(n, "tasks is empty; it needs at least one task")
		}
		for _, entry := range entries {
			tasks = append(tasks, f.task(entry))
		}
	}
	return tasks, f.errors()
}

// readLimited reads at most limit bytes.
func readLimited(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, limit))
	if err != nil {
		return nil, err
	}
	return data, nil
}

func (f taskFile) task(n ast.Node) taskSettings {
	m := f.mapping(n, "task", "name", "git", "on_new", "github", "interval", "timeout", "actions", "config", "allow")
	m.require("name", "git")
	t := taskSettings{
		Name:     m.text("name"),
		Interval: m.duration("interval", f.defaults.Poller.Interval),
		Timeout:  m.duration("timeout", f.defaults.Poller.Timeout),
	}
	if t.Name != "" {
		f.judge(m.values["name"], "name", checkName(t.Name))
		if f.names[t.Name] {
			f.wrong(m.values["name"], "a second task is named %q", t.Name)
		}
		f.names[t.Name] = true
	}
	switch when := m.text("on_new"); when {
	case "", "remember":
	case "run":
		t.RunNew = true
	default:
		f.wrong(m.values["on_new"], "on_new must be remember or run, not %q", when)
	}
	if g, ok := m.values["github"]; ok {
		t.GitHub = f.github(g)
	} else {
		t.GitHub = f.common
	}
	address := ""
	if g, ok := m.values["git"]; ok {
		address = f.git(g, &t)
	}
	f.what(m, &t)
	if c := t.Checkout.Credentials; c != nil && c.Patterns != nil && t.GitHub == nil {
		f.wrong(m.values["git"], "patterns in submodule_credentials need a GitHub App")
	}
	return t.digested(address)
}

// git fills in what to watch. It returns the address as written, which may
// hold credentials.
func (f taskFile) git(n ast.Node, t *taskSettings) (address string) {
	m := f.mapping(n, "git", "url", "urls", "branch", "branches", "ssh_key_file",
		"checkout", "clean", "dot_git", "history", "submodules", "submodule_credentials")
	one, list := m.values["url"], m.values["urls"]
	switch {
	case one != nil && list != nil:
		f.wrong(list, "url and urls exclude each other")
	case list != nil:
		address = f.repositories(list, t)
	default:
		m.require("url")
		if address = m.text("url"); address == "" {
			break
		}
		if isRepoPattern(address) {
			f.judge(one, "url", t.watchMany([]string{address}))
			break
		}
		url, err := git.ParseURL(address)
		f.judge(one, "url", err)
		t.URL = url.Resolve(f.dir)
	}
	t.Refs, t.Checkout = f.refs(m), f.checkout(m)
	t.SSHKeyFile = f.defaults.Git.SSHKeyFile
	if file := m.text("ssh_key_file"); file != "" {
		t.SSHKeyFile = f.path(file)
		f.judge(m.values["ssh_key_file"], "ssh_key_file", checkSSHKeyFile(t.SSHKeyFile))
	}
	return address
}

func (f taskFile) repositories(list ast.Node, t *taskSettings) (address string) {
	var entries []string
	for _, n := range f.list(list, "urls") {
		if entry := f.text(n, "url"); entry != "" {
			entries = append(entries, entry)
		}
	}
	if len(entries) > 0 {
		f.judge(list, "urls", t.watchMany(entries))
	}
	return strings.Join(entries, "\n")
}

// what fills in what to do: actions, or the file that brings them.
func (f taskFile) what(m mapping, t *taskSettings) {
	list, file := m.values["actions"], m.values["config"]
	switch {
	case list != nil && file != nil:
		f.wrong(file, "config and actions exclude each other: the repository brings the actions")
	case file != nil:
		t.Bring = f.bring(file, m.values["allow"])
		f.judge(file, "config", f.defaults.trusts(*t))
	default:
		m.require("actions")
		if m.values["allow"] != nil {
			f.wrong(m.values["allow"], "allow goes with config")
		}
		if list != nil {
			t.Actions = f.actions(list)
		}
	}
}

func (f taskFile) refs(m mapping) git.Patterns {
	one, list := m.values["branch"], m.values["branches"]
	if one != nil && list != nil {
		f.wrong(list, "branch and branches exclude each other")
		return nil
	}
	var nodes []ast.Node
	at := one
	switch {
	case one != nil:
		nodes = []ast.Node{one}
	case list != nil:
		at, nodes = list, f.list(list, "branches")
	default:
		return git.Patterns{"HEAD"}
	}
	before := len(f.mistakes)
	var refs git.Patterns
	for _, n := range nodes {
		branch := f.text(n, "branch")
		if branch == "" {
			continue
		}
		ref, err := refPattern(branch)
		f.judge(n, "branch", err)
		refs = append(refs, ref)
	}
	if len(f.mistakes) == before {
		f.judge(at, "branches", refs.Validate())
	}
	return refs
}

func (f taskFile) actions(n ast.Node) []actions.Action {
	entries := f.list(n, "actions")
	if seq, ok := f.value(n).(*ast.SequenceNode); ok && len(seq.Values) == 0 {
		f.wrong(n, "actions is empty; a task needs at least one action")
	}
	var all []actions.Action
	for i, entry := range entries {
		all = append(all, f.action(entry, i+1))
	}
	return all
}

func (f taskFile) action(n ast.Node, number int) actions.Action {
	m := f.mapping(n, "action", "name", "entrypoint", "args", "run", "environment", "inherit_environment", "github_token")
	a := actions.Action{Name: fmt.Sprintf("action-%d", number), InheritEnvironment: m.boolean("inherit_environment")}
	if name := m.text("name"); name != "" {
		a.Name = name
		f.judge(m.values["name"], "name", checkName(name))
	}
	command, entrypoint := m.text("run"), m.text("entrypoint")
	switch {
	case m.values["run"] == nil && m.values["entrypoint"] == nil:
		m.require("entrypoint")
	case m.values["run"] == nil:
		a.Entrypoint = entrypoint
	case m.values["entrypoint"] != nil || m.values["args"] != nil:
		f.wrong(m.values["run"], "run is short for entrypoint and args: give either")
	default:
		a = withShell(a, command)
	}
	if args, ok := m.values["args"]; ok {
		for _, arg := range f.list(args, "args") {
			a.Args = append(a.Args, f.scalar(arg, "argument"))
		}
	}
	if environment, ok := m.values["environment"]; ok {
		a.Environment = f.environment(environment)
	}
	if token, ok := m.values["github_token"]; ok {
		a.Token = f.token(token)
	}
	return a
}

// environment is a mapping, or a list of mappings as the first kitops had it.
func (f taskFile) environment(n ast.Node) map[string]string {
	parts := []ast.Node{n}
	if list, ok := f.value(n).(*ast.SequenceNode); ok {
		parts = list.Values
	}
	all := map[string]string{}
	for _, part := range parts {
		m, ok := f.value(part).(*ast.MappingNode)
		if !ok {
			f.wrongType(part, "environment", "a mapping")
			continue
		}
		for _, entry := range m.Values {
			name := f.key(entry.Key)
			if name == "" {
				continue
			}
			if _, twice := all[name]; twice {
				f.wrong(entry.Key, "duplicate key %q in environment", name)
			}
			f.judge(entry.Key, "environment", checkVariable(name))
			all[name] = f.scalar(entry.Value, "environment "+name)
		}
	}
	return all
}

// judge notes what a check found wrong with a value.
func (f taskFile) judge(n ast.Node, what string, err error) {
	if err != nil {
		f.wrong(n, "%s: %s", what, err)
	}
}

func (f taskFile) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}
