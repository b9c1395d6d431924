package gittest

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// addAll has the index hold all that is in the work tree.
func (r *Repo) addAll() {
	r.tb.Helper()
	err := r.addPlain()
	if errors.Is(err, errUnusual) {
		r.Git("add", "--all")
	} else if err != nil {
		r.tb.Fatalf("%v", err)
	}
}

// addPlain is git add --all where no file says how others are added.
func (r *Repo) addPlain() error {
	if err := r.plain(r.gitDir(), "info/attributes"); err != nil {
		return err
	}
	exclude, err := os.ReadFile(filepath.Join(r.gitDir(), "info", "exclude"))
	if err != nil || slices.ContainsFunc(bytes.SplitAfter(exclude, []byte("\n")), func(line []byte) bool { return len(line) > 0 && line[0] != '#' }) {
		return errUnusual
	}
	before, err := r.readIndex()
	if err != nil {
		return err
	}
	w := adding{Repo: r, known: map[string]indexed{}}
	for _, e := range before {
		w.known[e.name] = e
		if base := filepath.Base(e.name); base == ".gitattributes" || base == ".gitignore" {
			return errUnusual
		}
	}
	if info, err := os.Stat(filepath.Join(r.gitDir(), "index")); err == nil {
		w.written = info.ModTime()
	}
	if err := filepath.WalkDir(r.Work, w.add); err != nil {
		return err
	}
	if submodules(before) != submodules(w.entries) {
		return errUnusual // the directory of one is gone
	}
	slices.SortFunc(w.entries, func(a, b indexed) int { return strings.Compare(a.name, b.name) })
	if len(w.entries) == 0 && before == nil || before != nil && slices.Equal(w.entries, before) {
		return nil
	}
	return r.writeIndex(w.entries)
}

// adding goes through a work tree.
type adding struct {
	*Repo
	known   map[string]indexed
	written time.Time // when the index was, from when on times tell nothing of a file
	entries []indexed
}

func (w *adding) add(path string, e fs.DirEntry, err error) error {
	if err != nil || path == w.Work {
		return err
	}
	if path == w.gitDir() {
		return fs.SkipDir
	}
	name, err := filepath.Rel(w.Work, path)
	if err != nil {
		return err
	}
	name = filepath.ToSlash(name)
	old, is := w.known[name]
	switch base := filepath.Base(name); {
	case base == ".git" || base == ".gitattributes" || base == ".gitignore":
		return errUnusual
	case e.IsDir() && is && old.mode == submodule:
		if inside, err := os.ReadDir(path); err != nil || len(inside) > 0 {
			return errUnusual
		}
		w.entries = append(w.entries, old)
		return fs.SkipDir
	case e.IsDir():
		return nil
	}
	info, err := e.Info()
	if err != nil {
		return err
	}
	now := indexed{name: name}
	switch mode := info.Mode(); {
	case mode&fs.ModeSymlink != 0:
		now.mode = 0o120000
	case !mode.IsRegular():
		return errUnusual
	case mode&0o100 != 0:
		now.mode = 0o100755
	default:
		now.mode = 0o100644
	}
	if now.stat, err = statOf(info, now.mode); err != nil {
		return err
	}
	if is && now.stat == old.stat && info.ModTime().Before(w.written) {
		w.entries = append(w.entries, old)
		return nil
	}
	now.id, err = w.store(path, now.mode)
	w.entries = append(w.entries, now)
	return err
}

// store writes the blob of a file.
func (w *adding) store(path string, mode uint32) (string, error) {
	if mode == 0o120000 {
		target, err := os.Readlink(path)
		if err != nil {
			return "", err
		}
		return w.work.write("blob", []byte(target))
	}
	content, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	return w.work.write("blob", content)
}

func submodules(entries []indexed) (n int) {
	for _, e := range entries {
		if e.mode == submodule {
			n++
		}
	}
	return n
}
