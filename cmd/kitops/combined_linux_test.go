package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// combinedTasks are tags and branches by paths, several at once, beside two tasks of one group.
const combinedTasks = `
tasks:
  - name: services
    git: {url: REPO, branches: ["team/*"], tags: ["v*"]}
    on_new: run
    paths: ["api/**"]
    parallel: 2
    actions: [{run: 'echo $KITOPS_REF $KITOPS_SHA >> PLACE/ran'}]
  - name: migrate
    git: {url: REPO, branch: main}
    group: db
    actions: [{run: 'mkdir PLACE/lock || echo migrate >> PLACE/overlaps; sleep 0.2; rmdir PLACE/lock; echo migrate $KITOPS_SHA >> PLACE/grouped'}]
  - name: seed
    git: {url: REPO, branch: main}
    group: db
    actions: [{run: 'mkdir PLACE/lock || echo seed >> PLACE/overlaps; sleep 0.2; rmdir PLACE/lock; echo seed $KITOPS_SHA >> PLACE/grouped'}]
`

// TestTagsPathsParallelAndGroupsOnABucket: two members run each revision that concerns a task once, tasks of a group never at
// the same time, and when one is killed the other goes on.
func TestTagsPathsParallelAndGroupsOnABucket(t *testing.T) {
	scenic(t)
	t.Parallel()
	i := newInstances(t)
	i.repo.Commit(map[string]string{"api/main": "1"})
	file := i.write("tasks.yaml", strings.NewReplacer("REPO", i.repo.Dir, "PLACE", i.dir).Replace(combinedTasks))
	members := map[string]*waiting{}
	for _, name := range []string{"one", "two"} {
		w := &waiting{t: t, dir: filepath.Join(i.dir, name), repo: i.repo, env: i.env()}
		w.args = []string{"--config-file", file, "--state", i.state, "--instance", name}
		if err := os.MkdirAll(w.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		log, err := os.Create(i.path(name + ".log"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = log.Close() })
		w.log = log
		w.start()
		members[name] = w
	}
	main := i.repo.SHA("HEAD")
	var want []string
	branch := func(name string, files map[string]string) string {
		i.repo.Git("checkout", "-q", "-B", name)
		sha := i.repo.Commit(files)
		i.repo.Git("push", "-q", "-f", "origin", name)
		return sha
	}
	saved := func(ref, sha string) {
		t.Helper()
		i.await(ref+" is applied", func() bool {
			for line := range strings.Lines(readFile(t, i.path("one.log")) + readFile(t, i.path("two.log"))) {
				if strings.Contains(line, "ref="+ref+" sha="+sha) && strings.Contains(line, "outcome=success") {
					return true
				}
			}
			return false
		})
	}
	ran := func(ref, sha string) {
		t.Helper()
		want = append(want, ref+" "+sha)
		saved(ref, sha)
	}
	i.await("both of the group run", func() bool { return i.contains("grouped", "migrate "+main) && i.contains("grouped", "seed "+main) })
	a := branch("team/a", map[string]string{"api/a": "1"})
	b := branch("team/b", map[string]string{"api/b": "1"})
	i.repo.Git("tag", "-a", "-m", "one", "v1", a)
	i.repo.PushTags()
	ran("refs/heads/team/a", a)
	ran("refs/heads/team/b", b)
	ran("refs/tags/v1", a)
	words := branch("team/b", map[string]string{"docs/b": "1"}) // which concerns nobody
	saved("refs/heads/team/b", words)
	_ = members["one"].cmd.Process.Kill()
	<-members["one"].ended
	i.repo.Git("checkout", "-q", "main")
	next := i.repo.Commit(map[string]string{"docs/main": "2"})
	i.await("the other runs both of the group", func() bool { return i.contains("grouped", "migrate "+next) && i.contains("grouped", "seed "+next) })
	b = branch("team/c", map[string]string{"api/c": "1"})
	i.repo.Git("tag", "v2", b)
	i.repo.PushTags()
	ran("refs/heads/team/c", b)
	ran("refs/tags/v2", b)
	members["two"].stop(1, stopLimit+stall)
	got := strings.Split(strings.TrimSpace(readFile(t, i.path("ran"))), "\n")
	slices.Sort(got)
	if slices.Sort(want); !slices.Equal(got, want) || i.exists("overlaps") {
		t.Errorf("ran\n%s\nwant\n%s\n(not %s); of the group at the same time: %t", strings.Join(got, "\n"), strings.Join(want, "\n"), words, i.exists("overlaps"))
	}
}
