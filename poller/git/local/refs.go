package local

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	maxRefFile = 64 << 10  // bytes of the file of one ref
	maxRefs    = 1_000_000 // refs that are files
	maxFile    = 1 << 20   // bytes of any other small file
	maxShallow = 64 << 20  // bytes of the list of commits without parents
)

// looseRefs are the refs that are files of their own.
type looseRefs struct {
	ids      map[string]object.ID
	symbolic map[string]string // to other refs
	read     int
}

// walk reads a directory of refs, gitrepository-layout(5). Links are followed as
// git follows them: to directories of refs that are kept elsewhere, too.
func (r *looseRefs) walk(ctx context.Context, dir, name string, above []fs.FileInfo) error {
	here, err := os.Stat(dir)
	if err != nil || !here.IsDir() {
		return ignoreGone(err)
	}
	for _, other := range above {
		if os.SameFile(here, other) {
			return nil // a link leads in a circle
		}
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ignoreGone(err)
	}
	for _, entry := range entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		if r.read++; r.read > maxRefs {
			return fmt.Errorf("more than %d refs", maxRefs)
		}
		path, ref := filepath.Join(dir, entry.Name()), name+"/"+entry.Name()
		if strings.HasSuffix(ref, ".lock") {
			continue
		}
		info, err := os.Stat(path)
		switch {
		case err != nil:
			err = ignoreGone(err)
		case info.IsDir():
			err = r.walk(ctx, path, ref, append(above[:len(above):len(above)], here))
		default:
			err = r.add(path, ref)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// add reads one ref. One that is damaged is left out, as by git.
func (r *looseRefs) add(path, name string) error {
	target, id, err := readRef(path)
	switch {
	case err != nil:
		return ignoreGone(err)
	case target != "":
		r.symbolic[name] = target
	case !id.IsZero():
		r.ids[name] = id
	}
	return nil
}

// readRef reads the file of a ref, HEAD among them: it names another ref, or
// holds an id. One that is neither, or no regular file, gives nothing.
func readRef(path string) (target string, id object.ID, err error) {
	if link, err := os.Readlink(path); err == nil && strings.HasPrefix(filepath.ToSlash(link), "refs/") {
		return filepath.ToSlash(link), id, nil // how symbolic refs were once
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return "", id, err
	}
	content, err := files.ReadRegular(path, maxRefFile)
	if err != nil {
		return "", id, err
	}
	if target, ok := strings.CutPrefix(string(content), "ref:"); ok {
		return strings.TrimSpace(target), id, nil
	}
	id, _ = object.ParseID(string(content))
	return "", id, nil
}

// ignoreGone has what was deleted or packed meanwhile be no error, nor a link that
// leads nowhere.
func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) || isLoop(err) {
		return nil
	}
	return err
}

// readPacked adds the refs of packed-refs that are no files.
func (r *looseRefs) readPacked(path string) error {
	f, err := files.OpenRegular(path)
	if err != nil {
		return ignoreGone(err)
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		id, name, _ := strings.Cut(lines.Text(), " ")
		sha, ok := object.ParseID(id)
		if !ok || !strings.HasPrefix(name, "refs/") {
			continue // the header, or what a tag above leads to
		}
		if _, loose := r.ids[name]; !loose && r.symbolic[name] == "" {
			r.ids[name] = sha
		}
	}
	return lines.Err()
}
