package gittest

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing/fstest"
)

// made are the directories that git init has made, by its options.
var made sync.Map //nolint:gochecknoglobals // asked for once in each process

// initialise is git init of the .git or bare repository dir. It asks git once for
// each kind, and writes the same files from then on, without the samples of hooks.
func initialise(tb TB, dir string, options []string) {
	tb.Helper()
	find, _ := made.LoadOrStore(strings.Join(options, " "), sync.OnceValues(func() (fs.FS, error) { return initialised(tb, options) }))
	files, err := find.(func() (fs.FS, error))()
	if err == nil {
		err = os.CopyFS(dir, files)
	}
	if err != nil {
		tb.Fatalf("git init %v: %v", options, err)
	}
}

// initialised are the files that git init makes.
func initialised(tb TB, options []string) (fs.FS, error) {
	tb.Helper()
	place, err := os.MkdirTemp("", "gittest-*")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(place) }()
	dir := place
	Git(tb, dir, append(append([]string{"init", "--quiet"}, options...), dir)...)
	if _, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		dir = filepath.Join(dir, ".git")
	}
	files := fstest.MapFS{}
	return files, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir || strings.HasSuffix(path, ".sample") {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		file := &fstest.MapFile{Mode: info.Mode()}
		if !d.IsDir() {
			file.Data, err = os.ReadFile(path)
		}
		files[filepath.ToSlash(name)] = file
		return err
	})
}
