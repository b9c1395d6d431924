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

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

const (
	headPrefix   = "refs/heads/"
	originPrefix = "refs/remotes/origin/"
	refsHeader   = "# pack-refs with: peeled fully-peeled sorted \n" // git's own words, space included
)

// write makes the files that say what the objects are for. shallow are the
// commits without parents.
func (g *dotGit) write(c *checkout, shallow []object.ID) error {
	files := map[string]string{
		"HEAD":         c.rev.Commit.String() + "\n",
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
	if name, isBranch := strings.CutPrefix(c.rev.Ref, headPrefix); c.kept.depth != ancestry.FullHistory && refs.Valid(c.rev.Ref) {
		to := c.rev.Ref
		if isBranch {
			to = originPrefix + name
		}
		refspec = "+" + c.rev.Ref + ":" + to
	}
	address := c.URL.String()
	if c.URL.Scheme == "" {
		if absolute, err := filepath.Abs(c.URL.Path); err == nil {
			address = absolute
		}
	}
	format := c.rev.ID.Format()
	var system string
	switch runtime.GOOS {
	case "windows":
		system = "\tignorecase = true\n\tsymlinks = true\n"
	case "darwin":
		system = "\tignorecase = true\n\tprecomposeunicode = true\n"
	}
	return fmt.Sprintf("[core]\n\trepositoryformatversion = %s\n\tfilemode = %t\n\tbare = false\n\tlogallrefupdates = true\n%s"+
		"%s[remote \"origin\"]\n\turl = %s\n\tfetch = %s\n", format.ConfigVersion(), runtime.GOOS != "windows", system, format.ConfigExtension(), configValue(address), configValue(refspec))
}

// configValue quotes a value for git-config(1). It has no control characters.
func configValue(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// refs are those of the checkout, the revision's own first. The ref of a branch
// is that of the remote's branch; HEAD has no other.
func (c *checkout) refs() []remote.Tag {
	own := remote.Tag{Ref: c.rev.Ref, ID: c.rev.ID, Target: c.rev.Commit}
	if name, ok := strings.CutPrefix(own.Ref, headPrefix); ok {
		own = remote.Tag{Ref: originPrefix + name, ID: c.rev.Commit, Target: c.rev.Commit}
	}
	var all []remote.Tag
	if refs.Valid(own.Ref) && !strings.HasPrefix(own.Ref, "refs/replace/") { // those would change what git sees
		all = append(all, own)
	}
	names := map[string]bool{own.Ref: true}
	for _, t := range c.tags { // in the order of their names: what is above comes first
		above := path.Dir(t.Ref)
		for !names[above] && above != "." {
			above = path.Dir(above)
		}
		if names[t.Ref] || above != "." || strings.HasPrefix(own.Ref, t.Ref+"/") {
			continue
		}
		names[t.Ref] = true
		all = append(all, t)
	}
	return all
}

// encodeRefs makes a file packed-refs.
func encodeRefs(tags []remote.Tag) string {
	tags = slices.Clone(tags)
	slices.SortFunc(tags, func(a, b remote.Tag) int { return strings.Compare(a.Ref, b.Ref) })
	var out strings.Builder
	out.WriteString(refsHeader)
	for _, r := range tags {
		fmt.Fprintf(&out, "%s %s\n", r.ID, r.Ref)
		if r.Target != r.ID {
			fmt.Fprintf(&out, "^%s\n", r.Target)
		}
	}
	return out.String()
}
