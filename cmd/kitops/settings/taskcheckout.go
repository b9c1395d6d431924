package settings

import (
	"fmt"
	"strconv"

	"github.com/goccy/go-yaml/ast"

	"github.com/bittrance/kitops/cmd/kitops/yamlfile"
	"github.com/bittrance/kitops/poller/git"
)

// Checkout are what a task wants of its workdirs.
type Checkout struct {
	Reuse, Clean bool
	DotGit       bool
	History      int // commits; git.FullHistory for all
	Submodules   bool
	Credentials  *SubmoduleCredentials // nil: submodules get none
}

// Options are the settings without the submodules, which need mirrors.
func (c Checkout) Options() git.Options {
	return git.Options{Reuse: c.Reuse, Clean: c.Clean, DotGit: c.DotGit, History: c.History}
}

// checkout reads the keys of git that say what a workdir is.
func (f taskFile) checkout(m yamlfile.Mapping) Checkout {
	c := Checkout{Clean: m.Boolean("clean"), DotGit: m.Boolean("dot_git"), Submodules: m.Boolean("submodules"), History: 1}
	switch how := m.Text("checkout"); how {
	case "", "fresh":
		if c.Clean {
			f.Wrong(m.Values["clean"], "clean goes with checkout: reuse; a fresh checkout has nothing to clean")
		}
	case "reuse":
		c.Reuse = true
	default:
		f.Wrong(m.Values["checkout"], "checkout must be fresh or reuse, not %q", how)
	}
	if n, ok := m.Values["history"]; ok {
		c.History = f.history(n)
		if m.Values["dot_git"] != nil && !c.DotGit {
			f.Wrong(n, "history is what .git has: it needs dot_git: true")
		}
		c.DotGit = true
	}
	if n, ok := m.Values["submodule_credentials"]; ok {
		if !c.Submodules {
			f.Wrong(n, "submodule_credentials goes with submodules: true")
		}
		c.Credentials = f.submoduleCredentials(n)
	}
	return c
}

func (f taskFile) history(n ast.Node) int {
	text := f.Scalar(n, "history")
	if text == "full" {
		return git.FullHistory
	}
	commits, err := strconv.Atoi(text)
	if text != "" && (err != nil || commits < 1 || commits > git.MaxHistory) {
		f.Wrong(n, "history must be a number of commits from 1 to %d, or full, not %q", git.MaxHistory, text)
	}
	return commits
}

func (f taskFile) submoduleCredentials(n ast.Node) *SubmoduleCredentials {
	c := &SubmoduleCredentials{}
	var patterns []string
	for _, entry := range f.List(n, "submodule_credentials") {
		address := f.Text(entry, "submodule_credentials")
		c.Given += address + "\n"
		switch {
		case address == "":
		case isRepoPattern(address):
			patterns = append(patterns, address)
		default:
			f.judge(entry, "submodule_credentials", c.Add(address))
		}
	}
	f.judge(n, "submodule_credentials", c.match(patterns))
	return c
}

// shown is the settings as the task file has them.
func (c Checkout) shown(g *shownGit) {
	if g.Checkout = "fresh"; c.Reuse {
		g.Checkout, g.Clean = "reuse", &c.Clean
	}
	if g.DotGit = c.DotGit; c.DotGit {
		g.History = fmt.Sprint(c.History)
		if c.History == git.FullHistory {
			g.History = "full"
		}
	}
	g.Submodules = c.Submodules
	if c.Credentials != nil {
		g.SubmoduleCredentials = c.Credentials.entries()
	}
}
