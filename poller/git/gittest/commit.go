package gittest

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
)

// A commit by git and its push are a dozen processes, which was most of the time
// of the tests. So where a repository is as New makes it and holds nothing
// unusual, what they would write is written here: the same bytes into the same
// files. All else is left to git.

// identity is the author and committer, as in Environ: 2026-01-02T03:04:05Z.
const identity = "kitops <kitops@example.com> 1767323045 +0000"

// tip is a commit at the end of a branch, with the objects that came with it.
type tip struct {
	ref, parent, sha string   // parent is empty for a first commit
	objects          []string // names of commits, trees and blobs; some may be older
}

// Commit writes files, commits all that is in the work tree to the current
// branch, pushes it by force and returns the SHA.
func (r *Repo) Commit(files map[string]string) string {
	r.tb.Helper()
	r.Write(files)
	r.addAll()
	made, err := r.commitIndex()
	if errors.Is(err, errUnusual) {
		r.Git("commit", "--quiet", "--allow-empty", "--message", "test")
		r.Push()
		return r.SHA("HEAD")
	}
	if err != nil {
		r.tb.Fatalf("%v", err)
	}
	r.push(made)
	return made.sha
}

// History is a Commit for each of commits, pushed once at the end. Here files
// are committed as they are given: attributes and ignored names are for Commit.
func (r *Repo) History(commits ...map[string]string) []string {
	r.tb.Helper()
	shas := []string{r.Commit(commits[0])}
	files, err := r.index()
	var made tip
	objects := []string{}
	for _, changed := range commits[1:] {
		if err == nil {
			r.Write(changed)
			made, err = r.commitFiles(files, changed)
		}
		if errors.Is(err, errUnusual) && len(objects) == 0 {
			shas = append(shas, r.Commit(changed))
			continue
		}
		objects, shas = append(objects, made.objects...), append(shas, made.sha)
	}
	if len(objects) == 0 {
		return shas
	}
	if err != nil {
		r.tb.Fatalf("%v", err)
	}
	r.addAll()
	if added, err := r.index(); err != nil || !maps.Equal(added, files) {
		r.tb.Fatalf("the work tree is not what was committed: %v", err)
	}
	r.push(tip{made.ref, shas[0], made.sha, objects})
	return shas
}

// commitIndex is git commit.
func (r *Repo) commitIndex() (tip, error) {
	files, err := r.index()
	if err != nil {
		return tip{}, err
	}
	return r.commitTree(files)
}

// commitFiles is git add and git commit of changed ones among files.
func (r *Repo) commitFiles(files map[string]entry, changed map[string]string) (tip, error) {
	for name, content := range changed {
		id, err := r.work.write("blob", []byte(content))
		if err != nil {
			return tip{}, err
		}
		mode := uint32(0o100644)
		if old, is := files[name]; is {
			mode = old.mode
		}
		files[name] = entry{mode, id}
	}
	return r.commitTree(files)
}

// commitTree commits files to the current branch.
func (r *Repo) commitTree(files map[string]entry) (made tip, err error) {
	if made.ref, made.parent, err = r.branch(); err != nil {
		return made, err
	}
	for _, e := range files {
		if e.mode != submodule {
			made.objects = append(made.objects, e.id)
		}
	}
	trees, err := r.work.writeTree(files)
	if err != nil {
		return made, err
	}
	commit, reason := "tree "+trees[0]+"\n", "commit (initial): test"
	if made.parent != "" {
		commit, reason = commit+"parent "+made.parent+"\n", "commit: test"
	}
	commit += "author " + identity + "\ncommitter " + identity + "\n\ntest\n"
	if made.sha, err = r.work.write("commit", []byte(commit)); err != nil {
		return made, err
	}
	made.objects = append(append(made.objects, trees...), made.sha)
	if err := os.WriteFile(filepath.Join(r.gitDir(), "COMMIT_EDITMSG"), []byte("test\n"), 0o644); err != nil {
		return made, err
	}
	return made, r.move(made.ref, made.sha, reason, made.ref, "HEAD")
}
