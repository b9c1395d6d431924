package dotgit

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

const (
	headPrefix   = "refs/heads/"
	originPrefix = "refs/remotes/origin/"
)

// RefsHeader begins a file packed-refs, in git's own words, space included.
const RefsHeader = "# pack-refs with: peeled fully-peeled sorted \n"

// Spec says what a repository is of.
type Spec struct {
	URL     address.URL  // of origin
	Ref     string       // of the revision
	ID      object.ID    // where it is
	Commit  object.ID    // what that leads to, where HEAD is
	Cut     bool         // the history is not all of it
	Shallow []object.ID  // the commits without parents
	Tags    []remote.Tag // in the order of their names
	NoModes bool         // the modes of files say nothing

	Sparse   string // which files are there, as info/sparse-checkout has it; "": all
	Cone     bool   // that is a list of directories
	Promisor bool   // blobs are missing, which origin has

	Worktree string // where the files are, from the repository on, with slashes; "": it is their .git
}

// Write makes the files that say what the objects are for.
func (g *Repository) Write(s Spec) error {
	files := map[string]string{
		"HEAD":         s.Commit.String() + "\n",
		"config":       s.config(),
		"packed-refs":  encodeRefs(s.refs()),
		"info/exclude": "",
	}
	for _, id := range s.Shallow {
		files["shallow"] += id.String() + "\n"
	}
	if s.Sparse != "" {
		files["info/sparse-checkout"] = s.Sparse
	}
	var err error
	for name, content := range files {
		err = errors.Join(err, g.save(name, []byte(content)))
	}
	return err
}

// config has what git init and git clone write. A history that is cut is
// that of one ref, and git fetch brings no other, as after git clone --depth.
func (s *Spec) config() string {
	refspec := "+" + headPrefix + "*:" + originPrefix + "*"
	if name, isBranch := strings.CutPrefix(s.Ref, headPrefix); s.Cut && refs.Valid(s.Ref) {
		to := s.Ref
		if isBranch {
			to = originPrefix + name
		}
		refspec = "+" + s.Ref + ":" + to
	}
	format := s.ID.Format()
	var system string
	switch runtime.GOOS {
	case "windows":
		system = "\tignorecase = true\n\tsymlinks = true\n"
	case "darwin":
		system = "\tignorecase = true\n\tprecomposeunicode = true\n"
	}
	if s.Worktree != "" {
		system += "\tworktree = " + configValue(s.Worktree) + "\n"
	}
	if s.Sparse != "" {
		system += fmt.Sprintf("\tsparseCheckout = true\n\tsparseCheckoutCone = %t\n", s.Cone)
	}
	version, extension, promisor := format.ConfigVersion(), format.ConfigExtension(), ""
	if s.Promisor {
		version, promisor = "1", "\tpromisor = true\n\tpartialclonefilter = blob:none\n"
		extension += "[extensions]\n\tpartialClone = origin\n"
	}
	return fmt.Sprintf("[core]\n\trepositoryformatversion = %s\n\tfilemode = %t\n\tbare = false\n\tlogallrefupdates = true\n%s"+
		"%s[remote \"origin\"]\n\turl = %s\n\tfetch = %s\n%s", version, !s.NoModes, system, extension, configValue(origin(s.URL)), configValue(refspec), promisor)
}

// origin is an address that is the same from everywhere.
func origin(u address.URL) string {
	if u.Scheme == "" {
		if absolute, err := filepath.Abs(u.Path); err == nil {
			return absolute
		}
	}
	return u.String()
}

// configValue quotes a value for git-config(1), if need be.
func configValue(s string) string {
	if s != "" && !strings.ContainsAny(s, " \t\n\r\b\"\\#;") {
		return s
	}
	return quoted(s)
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\t", `\t`, "\b", `\b`).Replace(s) + `"`
}

// refs are those of the checkout, the revision's own first. The ref of a branch
// is that of the remote's branch; HEAD has no other.
func (s *Spec) refs() []remote.Tag {
	own := remote.Tag{Ref: s.Ref, ID: s.ID, Target: s.Commit}
	if name, ok := strings.CutPrefix(own.Ref, headPrefix); ok {
		own = remote.Tag{Ref: originPrefix + name, ID: s.Commit, Target: s.Commit}
	}
	var all []remote.Tag
	if refs.Valid(own.Ref) && !strings.HasPrefix(own.Ref, "refs/replace/") { // those would change what git sees
		all = append(all, own)
	}
	names := map[string]bool{own.Ref: true}
	for _, t := range s.Tags { // in the order of their names: what is above comes first
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
	out.WriteString(RefsHeader)
	for _, r := range tags {
		fmt.Fprintf(&out, "%s %s\n", r.ID, r.Ref)
		if r.Target != r.ID {
			fmt.Fprintf(&out, "^%s\n", r.Target)
		}
	}
	return out.String()
}

// Sound are the tags with names that git would give, in their order.
func Sound(tags []remote.Tag) []remote.Tag {
	tags = slices.DeleteFunc(tags, func(t remote.Tag) bool {
		return !strings.HasPrefix(t.Ref, remote.TagPrefix) || !refs.Valid(t.Ref)
	})
	slices.SortFunc(tags, func(a, b remote.Tag) int { return strings.Compare(a.Ref, b.Ref) })
	return slices.CompactFunc(tags, func(a, b remote.Tag) bool { return a.Ref == b.Ref })
}
