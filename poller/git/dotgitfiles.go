package git

import (
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	headPrefix   = "refs/heads/"
	originPrefix = "refs/remotes/origin/"
	refsHeader   = "# pack-refs with: peeled fully-peeled sorted \n" // git's own words, space included
)

// write makes the files that say what the objects are for. shallow are the
// commits without parents.
func (g *dotGit) write(c *checkout, shallow []plumbing.Hash) error {
	files := map[string]string{
		"HEAD":         c.rev.commit.String() + "\n",
		"config":       c.gitConfig(),
		"packed-refs":  encodeRefs(c.refs()),
		"info/exclude": "",
	}
	for _, id := range shallow {
		files["shallow"] += id.String() + "\n"
	}
	var err error
	for name, content := range files {
		err = errors.Join(err, g.save(name, []byte(content)))
	}
	return err
}

// save writes a file that all may read, whatever the umask.
func (g *dotGit) save(name string, content []byte) error {
	path := filepath.Join(g.dir, filepath.FromSlash(name))
	return errors.Join(os.WriteFile(path, content, 0o644), os.Chmod(path, 0o644))
}

// gitConfig has what git init and git clone write. A history that is cut is
// that of one ref, and git fetch brings no other, as after git clone --depth.
func (c *checkout) gitConfig() string {
	refspec := "+" + headPrefix + "*:" + originPrefix + "*"
	if name, isBranch := strings.CutPrefix(c.rev.ref, headPrefix); c.kept.depth != FullHistory && validRef(c.rev.ref) {
		to := c.rev.ref
		if isBranch {
			to = originPrefix + name
		}
		refspec = "+" + c.rev.ref + ":" + to
	}
	address := c.URL.String()
	if c.URL.scheme == "" {
		if absolute, err := filepath.Abs(c.URL.path); err == nil {
			address = absolute
		}
	}
	var system string
	switch runtime.GOOS {
	case "windows":
		system = "\tignorecase = true\n\tsymlinks = true\n"
	case "darwin":
		system = "\tignorecase = true\n\tprecomposeunicode = true\n"
	}
	return fmt.Sprintf("[core]\n\trepositoryformatversion = 0\n\tfilemode = %t\n\tbare = false\n\tlogallrefupdates = true\n%s"+
		"[remote \"origin\"]\n\turl = %s\n\tfetch = %s\n", runtime.GOOS != "windows", system, configValue(address), configValue(refspec))
}

// configValue quotes a value for git-config(1). It has no control characters.
func configValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// refs are those of the checkout, the revision's own first. The ref of a branch
// is that of the remote's branch; HEAD has no other.
func (c *checkout) refs() []tag {
	own := tag{c.rev.ref, c.rev.id, c.rev.commit}
	if name, ok := strings.CutPrefix(own.ref, headPrefix); ok {
		own = tag{originPrefix + name, c.rev.commit, c.rev.commit}
	}
	var refs []tag
	if validRef(own.ref) && !strings.HasPrefix(own.ref, "refs/replace/") { // those would change what git sees
		refs = append(refs, own)
	}
	names := map[string]bool{own.ref: true}
	for _, t := range c.tags { // in the order of their names: what is above comes first
		above := path.Dir(t.ref)
		for !names[above] && above != "." {
			above = path.Dir(above)
		}
		if names[t.ref] || above != "." || strings.HasPrefix(own.ref, t.ref+"/") {
			continue
		}
		names[t.ref] = true
		refs = append(refs, t)
	}
	return refs
}

// encodeRefs makes a file packed-refs.
func encodeRefs(refs []tag) string {
	refs = slices.Clone(refs)
	slices.SortFunc(refs, func(a, b tag) int { return strings.Compare(a.ref, b.ref) })
	var out strings.Builder
	out.WriteString(refsHeader)
	for _, r := range refs {
		fmt.Fprintf(&out, "%s %s\n", r.id, r.ref)
		if r.target != r.id {
			fmt.Fprintf(&out, "^%s\n", r.target)
		}
	}
	return out.String()
}
