package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

var (
	configSHA256   = regexp.MustCompile(`(?im)^\s*(\[extensions\]\s*)?objectformat\s*=\s*"?sha256`)
	configReftable = regexp.MustCompile(`(?im)^\s*(\[extensions\]\s*)?refstorage\s*=\s*"?reftable`)
)

// local is a repository on this host, gitrepository-layout(5), whoever owns it.
type local struct {
	gitDir string // has HEAD
	common string // has refs and objects; differs from gitDir in a linked worktree
}

// openLocal looks where git looks: a work tree, a bare repository, either with
// .git appended.
func openLocal(path string) (local, error) {
	if _, err := os.Stat(path); err != nil {
		if _, bare := os.Stat(path + ".git"); bare != nil {
			return local{}, err
		}
	}
	for _, suffix := range []string{"/.git", "", ".git/.git", ".git"} {
		gitDir, err := resolveGitFile(filepath.FromSlash(path + suffix))
		if err != nil {
			return local{}, err
		}
		if info, err := os.Stat(filepath.Join(gitDir, "HEAD")); err != nil || !info.Mode().IsRegular() {
			continue
		}
		l := local{gitDir: gitDir, common: gitDir}
		if common, err := os.ReadFile(filepath.Join(gitDir, "commondir")); err == nil {
			l.common = seenFrom(gitDir, string(common))
		}
		if info, err := os.Stat(filepath.Join(l.common, "objects")); err == nil && info.IsDir() {
			return l, l.check()
		}
	}
	return local{}, errors.New("not a git repository")
}

// resolveGitFile follows a .git that is a file, as in submodules and worktrees.
func resolveGitFile(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return path, nil //nolint:nilerr // what is not there is no candidate
	}
	content, err := os.ReadFile(path)
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

func (l local) check() error {
	config, err := os.ReadFile(filepath.Join(l.common, "config"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	switch {
	case configSHA256.Match(config):
		return errSHA256
	case configReftable.Match(config):
		return errors.New("the repository keeps its refs in a reftable, which kitops cannot read yet")
	}
	return nil
}

// store opens the objects, if the commit is among them.
func (l local) store(ctx context.Context, id plumbing.Hash) (*store, error) {
	s, err := openStore(l.common)
	if err != nil {
		return nil, err
	}
	if _, ok := s.find(id); ok {
		return s, nil
	}
	s.close()
	if ad, err := l.advertisement(ctx); err == nil && ad.gives([]plumbing.Hash{id}) {
		return nil, fmt.Errorf("commit %w", missing(id)) // a ref leads nowhere: waiting will not help
	}
	return nil, ErrMoved
}

// advertisement reads the refs: loose before packed, so that a ref packed in
// between is seen in one of them.
func (l local) advertisement(ctx context.Context) (*advertisement, error) {
	ad := &advertisement{refs: map[string]plumbing.Hash{}}
	symbolic := map[string]string{}
	if err := l.readLoose(ctx, ad.refs, symbolic); err != nil {
		return nil, err
	}
	if err := l.readPacked(ad.refs, symbolic); err != nil {
		return nil, err
	}
	for name, target := range symbolic {
		for range 5 { // as deep as git follows
			next, more := symbolic[target]
			if !more {
				break
			}
			target = next
		}
		if sha, ok := ad.refs[target]; ok {
			ad.refs[name] = sha
		}
	}
	content, err := os.ReadFile(filepath.Join(l.gitDir, "HEAD"))
	if err != nil {
		return nil, err
	}
	var ok bool
	if ad.headRef, ok = symref(content); ok {
		ad.head = ad.refs[ad.headRef]
		return ad, nil
	}
	if ad.head, ok = parseID(string(content)); !ok {
		return nil, errors.New("its HEAD is damaged")
	}
	return ad, nil
}

func (l local) readLoose(ctx context.Context, refs map[string]plumbing.Hash, symbolic map[string]string) error {
	return filepath.WalkDir(filepath.Join(l.common, "refs"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted or packed while we looked
		}
		if err != nil || !d.Type().IsRegular() || strings.HasSuffix(path, ".lock") {
			return errors.Join(err, ctx.Err())
		}
		content, err := os.ReadFile(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		name, err := filepath.Rel(l.common, path)
		if err != nil {
			return err
		}
		name = filepath.ToSlash(name)
		if target, ok := symref(content); ok {
			symbolic[name] = target
		} else if sha, ok := parseID(string(content)); ok { // git skips a damaged ref, too
			refs[name] = sha
		}
		return ctx.Err()
	})
}

func (l local) readPacked(refs map[string]plumbing.Hash, symbolic map[string]string) error {
	f, err := os.Open(filepath.Join(l.common, "packed-refs"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, name, _ := strings.Cut(lines.Text(), " ")
		sha, ok := parseID(id)
		if !ok || !strings.HasPrefix(name, "refs/") {
			continue // the header, or what a tag above leads to
		}
		if _, loose := refs[name]; !loose && symbolic[name] == "" {
			refs[name] = sha
		}
	}
	return lines.Err()
}

// shallow are the commits whose parents are not here.
func (l local) shallow() (map[plumbing.Hash]bool, error) {
	lines, err := os.ReadFile(filepath.Join(l.common, shallow))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	cut := map[plumbing.Hash]bool{}
	for line := range strings.Lines(string(lines)) {
		if id, ok := parseID(line); ok {
			cut[id] = true
		}
	}
	return cut, nil
}

func symref(content []byte) (string, bool) {
	target, ok := strings.CutPrefix(string(content), "ref:")
	if !ok {
		return "", false
	}
	return strings.TrimSpace(target), true
}

func parseID(s string) (plumbing.Hash, bool) {
	s = strings.TrimSpace(s)
	return plumbing.NewHash(s), len(s) == 40 && plumbing.IsHash(s)
}
