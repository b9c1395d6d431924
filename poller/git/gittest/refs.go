package gittest

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// gitDir is the repository that belongs to the work tree.
func (r *Repo) gitDir() string { return filepath.Join(r.Work, ".git") }

// readRef reads a ref that has a file of its own. One that has none is
// fs.ErrNotExist, one that names another ref errUnusual.
func (r *Repo) readRef(dir, ref string) (string, error) {
	content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(ref)))
	if err != nil {
		return "", err
	}
	sha := strings.TrimSuffix(string(content), "\n")
	if len(sha) != len(r.zero) {
		return "", errUnusual
	}
	return sha, nil
}

func writeRef(dir, ref, sha string) error {
	path := filepath.Join(dir, filepath.FromSlash(ref))
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return replace(path, []byte(sha+"\n"), 0o644)
}

// move writes a ref of the work tree's repository, with a line in each of logs.
func (r *Repo) move(ref, sha, reason string, logs ...string) error {
	old, err := r.readRef(r.gitDir(), ref)
	if errors.Is(err, fs.ErrNotExist) {
		old, err = r.zero, nil
	}
	if err == nil {
		err = writeRef(r.gitDir(), ref, sha)
	}
	if err != nil {
		return err
	}
	for _, name := range logs {
		path := filepath.Join(r.gitDir(), "logs", filepath.FromSlash(name))
		if err := appendTo(path, old+" "+sha+" "+identity+"\t"+reason+"\n"); err != nil {
			return err
		}
	}
	return nil
}

func appendTo(path, line string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = f.WriteString(line)
	return errors.Join(err, f.Close())
}

// head is the current branch, refs/heads/….
func (r *Repo) head() (string, error) {
	content, err := os.ReadFile(filepath.Join(r.gitDir(), "HEAD"))
	if err != nil {
		return "", err
	}
	ref, symbolic := strings.CutPrefix(strings.TrimSuffix(string(content), "\n"), "ref: ")
	if !symbolic || !strings.HasPrefix(ref, "refs/heads/") {
		return "", errUnusual
	}
	return ref, nil
}

// branch is the current branch and where it is, "" for nowhere yet. A
// repository in which a commit would be more than a tree and a parent is
// errUnusual.
func (r *Repo) branch() (ref, sha string, err error) {
	if err := r.plain(r.gitDir(), "MERGE_HEAD", "CHERRY_PICK_HEAD", "REVERT_HEAD", "rebase-merge", "rebase-apply"); err != nil {
		return "", "", err
	}
	if ref, err = r.head(); err != nil {
		return "", "", err
	}
	sha, err = r.readRef(r.gitDir(), ref)
	if errors.Is(err, fs.ErrNotExist) {
		err = r.plain(r.gitDir(), "packed-refs")
	}
	return ref, sha, err
}

// plainBare tells whether the bare repository takes a commit as it is: it has
// all of the parent, and nothing in it says what else to do.
func (r *Repo) plainBare(parent string) error {
	if err := r.plain(r.Dir, "packed-refs", "logs"); err != nil || parent == "" {
		return err
	}
	found := false
	heads := filepath.Join(r.Dir, "refs", "heads")
	err := filepath.WalkDir(heads, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		name, err := filepath.Rel(r.Dir, path)
		if err != nil {
			return err
		}
		sha, err := r.readRef(r.Dir, name)
		found = found || sha == parent
		return err
	})
	if err == nil && !found {
		return errUnusual
	}
	return err
}

// plain is errUnusual unless a repository is as New made it, but for objects,
// refs and what its servers may be asked.
func (r *Repo) plain(dir string, without ...string) error {
	config, err := os.ReadFile(filepath.Join(dir, "config"))
	if err != nil {
		return err
	}
	made, served, _ := strings.Cut(string(config), "[uploadpack]\n")
	if made != r.config[dir] || strings.Contains(served, "[") {
		return errUnusual
	}
	for _, name := range append(without, "shallow", "info/grafts", "refs/replace", "objects/info/alternates") {
		if _, err := os.Lstat(filepath.Join(dir, filepath.FromSlash(name))); err == nil {
			return errUnusual
		}
	}
	hooks, err := os.ReadDir(filepath.Join(dir, "hooks"))
	for _, hook := range hooks {
		if !strings.HasSuffix(hook.Name(), ".sample") {
			return errUnusual
		}
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}
