package gittest

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
)

// Bounds of a repository whose state is worth finding out: reading more takes
// longer than a git.
const maxStateFiles, maxStateSize = 1000, 4 << 20

// answers are what git said of repositories, by their state and the question.
var answers sync.Map //nolint:gochecknoglobals // the same in each repository of a test binary

// state names all that a repository holds but for logs and where it came from,
// which git asks for neither to serve nor to check it. Two repositories of one
// state have the same files, and their indexes the same entries. It is
// errUnusual where that is much, or not all.
func state(gitDir string) (string, error) {
	sum := sha256.New()
	files, size := 0, 0
	err := filepath.WalkDir(gitDir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(gitDir, path)
		if err != nil {
			return err
		}
		switch {
		case e.IsDir() && name == "logs":
			return fs.SkipDir
		case e.IsDir():
			fmt.Fprintf(sum, "%s/\x00", name)
			return nil
		case !e.Type().IsRegular() || name == filepath.FromSlash("objects/info/alternates") || name == "commondir":
			return errUnusual
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if files, size = files+1, size+len(content); files > maxStateFiles || size > maxStateSize {
			return errUnusual
		}
		switch filepath.Base(name) {
		case "config":
			content = withoutAddresses(content)
		case "index":
			if content, err = entriesOf(content); err != nil {
				return err
			}
		}
		fmt.Fprintf(sum, "%s\x00%d\x00", name, len(content))
		sum.Write(content)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = errUnusual // somebody is at work in it
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}

// withoutAddresses are the lines of a configuration that are no url.
func withoutAddresses(config []byte) []byte {
	var kept []byte
	for line := range bytes.Lines(config) {
		if !bytes.HasPrefix(line, []byte("\turl = ")) {
			kept = append(kept, line...)
		}
	}
	return kept
}

// entriesOf is an index without times and inodes, if it is whole.
func entriesOf(index []byte) ([]byte, error) {
	end := len(index) - sha1.Size
	if end < 0 {
		return nil, errUnusual
	}
	if sum := sha1.Sum(index[:end]); !bytes.Equal(sum[:], index[end:]) {
		return nil, errUnusual
	}
	entries, err := parseIndex(index, sha1.Size)
	var plain []byte
	for _, e := range entries {
		plain = fmt.Appendf(plain, "%s\x00%v", e.name, e.entry)
	}
	return plain, err
}

// Fsck has git check the repository in dir, and returns all that it prints. One
// that is as another was before is not checked again.
func Fsck(tb TB, dir string) string {
	tb.Helper()
	gitDir := dir
	if info, err := os.Lstat(filepath.Join(dir, ".git")); err == nil {
		if gitDir = filepath.Join(dir, ".git"); !info.IsDir() {
			gitDir = ""
		}
	}
	args := []string{"fsck", "--full", "--strict", "--no-dangling"}
	if extras, _ := filepath.Glob(filepath.Join(gitDir, "objects", "*", "*-*graph*")); gitDir != "" && len(extras) == 0 {
		// or git runs two more processes to look for them
		args = append([]string{"-c", "core.commitGraph=false"}, args...)
	}
	if _, err := os.Lstat(filepath.Join(gitDir, "objects", "pack", "multi-pack-index")); gitDir != "" && err != nil {
		args = append([]string{"-c", "core.multiPackIndex=false"}, args...)
	}
	key, err := state(gitDir)
	if said, is := answers.Load("fsck " + key); is && err == nil {
		return said.(string)
	}
	git := exec.Command("git", args...) //nolint:noctx // a test's git ends by itself
	git.Dir, git.Env = dir, Environ()
	said, failed := git.CombinedOutput()
	if failed != nil {
		tb.Fatalf("git fsck in %s: %v\n%s", dir, failed, said)
	}
	text := strings.TrimPrefix(string(said), "notice: HEAD points to an unborn branch (main)\n") // in a mirror
	if err == nil {
		answers.Store("fsck "+key, text)
	}
	return text
}
