package settings

import (
	"strconv"

	"github.com/bittrance/kitops/poller/git"
)

// Checkout are what a task wants of its workdirs.
type Checkout struct {
	Reuse, Clean bool
	DotGit       bool
	History      int // commits; git.FullHistory for all
	Submodules   bool
	LFS          bool                  `json:",omitempty"`
	Sparse       *git.Sparse           `json:",omitempty"` // nil: all files
	Credentials  *SubmoduleCredentials // nil: submodules get none
}

// Options are the settings without the submodules, which need mirrors.
func (c Checkout) Options() git.Options {
	return git.Options{Reuse: c.Reuse, Clean: c.Clean, DotGit: c.DotGit, History: c.History, Sparse: c.Sparse, LFS: c.LFS}
}

// checkout fills in what a workdir is. What comes from defaults and does not
// go with the task's own keys does not count.
func (f taskFile) checkout(keys *gitKeys) Checkout {
	c := Checkout{
		Reuse: keys.Checkout.value == "reuse", Clean: keys.Clean.value,
		DotGit: keys.DotGit.value, Submodules: keys.Submodules.value, LFS: keys.LFS.value, History: 1,
	}
	if c.Clean && !c.Reuse {
		if c.Clean = false; !f.common && !keys.Clean.inherited {
			f.Wrong(keys.Clean.node, "clean goes with checkout: reuse; a fresh checkout has nothing to clean")
		}
	}
	if keys.Sparse.given {
		c.Sparse = f.sparse(&keys.Sparse)
	}
	bare := keys.DotGit.given && !c.DotGit
	if bare && keys.History.given && !keys.History.inherited {
		f.Wrong(keys.History.node, "history is what .git has: it needs dot_git: true")
	}
	if keys.History.given && (!bare || !keys.History.inherited) {
		c.History, c.DotGit = f.history(&keys.History), true
	}
	if keys.Credentials.given {
		if !c.Submodules && !f.common && !keys.Credentials.inherited {
			f.Wrong(keys.Credentials.node, "submodule_credentials goes with submodules: true")
		}
		if c.Submodules || !keys.Credentials.inherited {
			c.Credentials = f.submoduleCredentials(&keys.Credentials)
		}
	}
	return c
}

func (f taskFile) sparse(of *texts) *git.Sparse {
	var entries []string
	for _, e := range of.entries {
		entries = append(entries, e.value)
	}
	list, err := git.ParseSparse(entries)
	f.judge(of.node, "sparse", err)
	return list
}

func (f taskFile) history(of *commits) int {
	if of.value == "full" {
		return git.FullHistory
	}
	number, err := strconv.Atoi(of.value)
	if of.value != "" && (err != nil || number < 1 || number > git.MaxHistory) {
		f.Wrong(of.node, "history must be a number of commits from 1 to %d, or full, not %q", git.MaxHistory, of.value)
	}
	return number
}

func (f taskFile) submoduleCredentials(listed *texts) *SubmoduleCredentials {
	c := &SubmoduleCredentials{}
	var patterns []string
	for _, entry := range listed.entries {
		c.Given += entry.value + "\n"
		switch {
		case entry.value == "":
		case isRepoPattern(entry.value):
			patterns = append(patterns, entry.value)
		default:
			f.judge(entry.node, "submodule_credentials", c.Add(entry.value))
		}
	}
	f.judge(listed.node, "submodule_credentials", c.match(patterns))
	return c
}

// shown fills in the keys as a task file has them.
func (c Checkout) shown(keys *gitKeys) {
	if keys.Checkout = (text{given(), "fresh"}); c.Reuse {
		keys.Checkout.value = "reuse"
		keys.Clean = boolean{given(), c.Clean}
	}
	if c.DotGit {
		keys.DotGit = boolean{given(), true}
		keys.History = commits{word{given(), strconv.Itoa(c.History)}}
		if c.History == git.FullHistory {
			keys.History.value = "full"
		}
	}
	if c.LFS {
		keys.LFS = boolean{given(), true}
	}
	if c.Sparse != nil {
		keys.Sparse = shownTexts(c.Sparse.Entries())
	}
	if c.Submodules {
		keys.Submodules = boolean{given(), true}
	}
	if c.Credentials != nil {
		keys.Credentials = shownTexts(c.Credentials.entries())
	}
}
