package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

var (
	configSHA256 = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?im)^\s*(\[extensions\]\s*)?objectformat\s*=\s*"?sha256`)
	})
	configReftable = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`(?im)^\s*(\[extensions\]\s*)?refstorage\s*=\s*"?reftable`)
	})
)

// Repository is a repository on this host, gitrepository-layout(5), whoever owns it.
type Repository struct {
	gitDir string // has HEAD
	common string // has refs and objects; differs from gitDir in a linked worktree
	format object.Format
}

// Open looks where git looks: a work tree, a bare repository, either with
// .git appended.
func Open(path string) (Repository, error) {
	if _, err := os.Stat(path); err != nil {
		if _, bare := os.Stat(path + ".git"); bare != nil {
			return Repository{}, err
		}
	}
	for _, suffix := range []string{"/.git", "", ".git/.git", ".git"} {
		gitDir, err := resolveGitFile(filepath.FromSlash(path + suffix))
		if err != nil {
			return Repository{}, err
		}
		if info, err := os.Lstat(filepath.Join(gitDir, "HEAD")); err != nil || !info.Mode().IsRegular() && info.Mode()&fs.ModeSymlink == 0 {
			continue
		}
		l := Repository{gitDir: gitDir, common: gitDir}
		if common, err := files.ReadRegular(filepath.Join(gitDir, "commondir"), maxFile); err == nil {
			l.common = seenFrom(gitDir, string(common))
		}
		if info, err := os.Stat(filepath.Join(l.common, "objects")); err == nil && info.IsDir() {
			err := l.check()
			return l, err
		}
	}
	return Repository{}, errors.New("not a git repository")
}

// resolveGitFile follows a .git that is a file, as in submodules and worktrees.
func resolveGitFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return path, nil //nolint:nilerr // what is not there is no candidate
	}
	content, err := files.ReadRegular(path, maxFile)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(string(content), "gitdir: ")
	if !ok {
		return "", errors.New("not a git repository")
	}
	return seenFrom(filepath.Dir(path), target), nil
}

func seenFrom(dir, path string) string {
	path = strings.TrimRight(path, "\r\n")
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// LFSObjects is where git-lfs keeps what the repository has of its own.
func (l Repository) LFSObjects() string { return filepath.Join(l.common, "lfs", "objects") }

func (l *Repository) check() error {
	config, err := files.ReadRegular(filepath.Join(l.common, "config"), maxFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	lower := bytes.ToLower(config) // an expression is compiled where it can match
	switch {
	case bytes.Contains(lower, []byte("objectformat")) && configSHA256().Match(config):
		l.format = object.SHA256
	case bytes.Contains(lower, []byte("refstorage")) && configReftable().Match(config):
		return errors.New("the repository keeps its refs in a reftable, which kitops cannot read yet")
	}
	return nil
}

// Store opens the objects, if the commit is among them.
func (l Repository) Store(ctx context.Context, id object.ID) (*odb.Store, error) {
	s, err := odb.OpenShared(l.common, l.format)
	if err != nil {
		return nil, err
	}
	if _, ok := s.Find(id); ok {
		return s, nil
	}
	s.Close()
	if ad, err := l.Advertisement(ctx); err == nil && ad.Gives([]object.ID{id}) {
		return nil, fmt.Errorf("commit %w", object.Missing(id)) // a ref leads nowhere: waiting will not help
	}
	return nil, remote.ErrMoved
}

// Advertisement reads the refs: loose before packed, so that a ref packed in
// between is seen in one of them.
func (l Repository) Advertisement(ctx context.Context) (*remote.Advertisement, error) {
	r := &looseRefs{ids: map[string]object.ID{}, symbolic: map[string]string{}}
	if err := r.walk(ctx, filepath.Join(l.common, "refs"), "refs", nil); err != nil {
		return nil, err
	}
	if err := r.readPacked(filepath.Join(l.common, object.PackedRefs)); err != nil {
		return nil, err
	}
	for name, target := range r.symbolic {
		for range 5 { // as deep as git follows
			next, more := r.symbolic[target]
			if !more {
				break
			}
			target = next
		}
		if sha, ok := r.ids[target]; ok {
			r.ids[name] = sha
		}
	}
	var all refs.Listing
	for name, id := range r.ids {
		if l.format.Is(id) { // git skips others as damaged
			all.Add(name, id.Bytes())
		}
	}
	ad := &remote.Advertisement{Refs: all.List()}
	var err error
	if ad.HeadRef, ad.Head, err = readRef(filepath.Join(l.gitDir, "HEAD")); err != nil {
		return nil, err
	}
	if ad.HeadRef != "" {
		sha, _ := ad.Refs.Find(ad.HeadRef)
		ad.Head, _ = l.format.ParseID(sha)
	} else if ad.Head.IsZero() || !l.format.Is(ad.Head) {
		return nil, errors.New("its HEAD is damaged")
	}
	return ad, nil
}

// Shallow are the commits whose parents are not here.
func (l Repository) Shallow() (map[object.ID]bool, error) {
	lines, err := files.ReadRegular(filepath.Join(l.common, object.Shallow), maxShallow)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	cut := map[object.ID]bool{}
	for line := range strings.Lines(string(lines)) {
		if id, ok := l.format.ParseID(line); ok {
			cut[id] = true
		}
	}
	return cut, nil
}
