package settings

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller/git"
)

// taskFile reads tasks from a YAML file.
type taskFile struct {
	*yamlfile.Reader
	dir    string    // paths in the file are relative to it
	flags  Config    // what flags and variables say
	app    *GitHub   // of tasks without a github key
	shared *taskKeys // defaults
	common bool      // it is defaults that are read
	names  map[string]bool
}

// readTaskFile returns the tasks, or every mistake in the file.
func readTaskFile(path string, flags Config) ([]Task, []error) {
	source, err := readSource(path, yamlfile.MaxDocument+1)
	if err != nil {
		return nil, []error{err}
	}
	dir, err := filepath.Abs(filepath.Dir(path))
	if err != nil {
		return nil, []error{fmt.Errorf("locate %s: %w", path, err)}
	}
	return parseTaskFile(path, dir, source, flags)
}

func parseTaskFile(path, dir string, source []byte, flags Config) ([]Task, []error) {
	f := taskFile{
		Reader: &yamlfile.Reader{File: path, Needs: "tasks"},
		dir:    dir, flags: flags, app: flags.GitHub(), shared: &taskKeys{}, names: map[string]bool{},
	}
	body := f.Parse(source)
	if body == nil {
		return nil, f.Errors()
	}
	var top topKeys
	f.require(&top, f.fill(&top, body, "the task file"), "the task file")
	if top.Defaults.given {
		f.shared = &top.Defaults.keys
		f.task(&entry[taskKeys]{body: top.Defaults.body}, true) // what is wrong with them is told once
	}
	var tasks []Task
	for i := range top.Tasks.entries {
		tasks = append(tasks, f.task(&top.Tasks.entries[i], false))
	}
	return tasks, f.Errors()
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

// task makes a task of its keys and those of defaults. For the defaults alone
// it notes the mistakes that they would be in every task.
func (f taskFile) task(e *entry[taskKeys], common bool) Task {
	f.common = common
	keys := &e.keys
	inherit(keys, f.shared)
	f.require(keys, e.body, "task")
	t := Task{
		Name: keys.Name.value, RunNew: keys.OnNew.value == "run", Silent: keys.OnNone.value == "silent",
		Interval: keys.Every.or(f.flags.Poller.Interval), Timeout: keys.Timeout.or(f.flags.Poller.Timeout),
	}
	if t.Name != "" {
		f.judge(keys.Name.node, "name", checkName(t.Name))
		if f.names[t.Name] {
			f.Wrong(keys.Name.node, "a second task is named %q", t.Name)
		}
		f.names[t.Name] = true
	}
	if t.GitHub = f.app; keys.GitHub.given {
		t.GitHub = f.github(&keys.GitHub)
	}
	address := ""
	switch {
	case keys.Git.inherited && !common:
		f.Wrong(e.body, "task has no git")
	case keys.Git.given:
		address = f.git(&keys.Git, &t)
	}
	f.what(keys, &t)
	if c := t.Checkout.Credentials; c != nil && c.Patterns != nil && t.GitHub == nil {
		f.Wrong(keys.Git.node, "patterns in submodule_credentials need a GitHub App")
	}
	return t.digested(address)
}

// git fills in what to watch. It returns the address as written, which may
// hold credentials.
func (f taskFile) git(s *section[gitKeys], t *Task) (address string) {
	keys := &s.keys
	f.require(keys, s.body, "git")
	switch address = keys.URL.value; {
	case keys.URLs.given:
		entries := keys.URLs.all()
		if address = strings.Join(entries, "\n"); len(entries) > 0 {
			f.judge(keys.URLs.node, "urls", t.watchMany(entries))
		}
	case address == "":
	case isRepoPattern(address):
		f.judge(keys.URL.node, "url", t.watchMany([]string{address}))
	default:
		var err error
		t.URL, err = f.flags.address(address, f.dir)
		f.judge(keys.URL.node, "url", err)
	}
	t.Refs, t.Checkout = f.refs(&keys.Branch, &keys.Branches), f.checkout(keys)
	t.SSHKeyFile = f.flags.Git.SSHKeyFile
	if file := keys.SSHKeyFile.value; file != "" {
		t.SSHKeyFile = f.path(file)
		f.judge(keys.SSHKeyFile.node, "ssh_key_file", checkSSHKeyFile(t.SSHKeyFile))
	}
	return address
}

// what fills in what to do: actions, or the file that brings them.
func (f taskFile) what(keys *taskKeys, t *Task) {
	if keys.Config.given {
		t.Bring = f.bring(keys)
		if !f.common {
			f.judge(keys.Config.node, "config", f.flags.trusts(*t))
		}
		return
	}
	if keys.Allow.given && !keys.Allow.inherited && !f.common {
		f.Wrong(keys.Allow.node, "allow goes with config")
	}
	t.Actions = f.actions(&keys.Actions)
}

func (f taskFile) refs(one *text, many *texts) git.Patterns {
	at, entries := one.node, []text{*one}
	switch {
	case many.given:
		at, entries = many.node, many.entries
	case !one.given:
		return git.Patterns{"HEAD"}
	}
	before := len(f.Mistakes)
	var refs git.Patterns
	for _, entry := range entries {
		if entry.value == "" {
			continue
		}
		ref, err := refPattern(entry.value)
		f.judge(entry.node, "branch", err)
		refs = append(refs, ref)
	}
	if len(f.Mistakes) == before && (many.given || one.value != "") {
		f.judge(at, "branches", validRefs(refs))
	}
	return refs
}

// judge notes what a check found wrong with a value.
func (f taskFile) judge(n ast.Node, what string, err error) {
	if err != nil {
		f.Wrong(n, "%s: %s", what, err)
	}
}

func (f taskFile) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(f.dir, name)
}
