package settings

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/cmd/kitops/settings/settingstest"
	"github.com/bittrance/kitops/poller/git"
)

func TestCheckoutKeys(t *testing.T) {
	for keys, want := range map[string]Checkout{
		"":                                    {History: 1},
		"checkout: fresh\n      clean: false": {History: 1},
		"checkout: reuse":                     {History: 1, Reuse: true},
		"checkout: reuse\n      clean: true":  {History: 1, Reuse: true, Clean: true},
		"dot_git: true":                       {History: 1, DotGit: true},
		"history: 5":                          {History: 5, DotGit: true},
		"history: full":                       {History: git.FullHistory, DotGit: true},
		"submodules: true":                    {History: 1, Submodules: true},
		"lfs: true":                           {History: 1, LFS: true},
	} {
		tasks, mistakes := parse(t, settingstest.File(keys, "", ""))
		if mistakes != "" || tasks[0].Checkout != want {
			t.Errorf("%q: %+v, %s", keys, tasks, mistakes)
		}
	}
}

func TestCheckoutKeyMistakes(t *testing.T) {
	const app = "\n      submodules: true\n      submodule_credentials: "
	for keys, want := range map[string]string{
		"checkout: keep":                      "5:17: checkout must be fresh or reuse",
		"clean: true":                         "5:14: clean goes with checkout: reuse",
		"history: 0":                          "5:16: history must be a number of commits",
		"sparse: []":                          "5:15: sparse",
		"sparse: [../a]":                      "5:15: sparse: \"../a\" must be the path of a directory",
		"sparse: api":                         "sparse must be a list",
		"sparse: ['/*', '!']":                 "selects nothing",
		"history: all":                        "5:16: history must be a number of commits",
		"history: 5\n      dot_git: false":    "5:16: history is what .git has",
		"submodule_credentials: [a]":          "5:30: submodule_credentials goes with submodules: true",
		"branch: x" + app + "[./lib]":         "submodule_credentials: neither an address nor a pattern",
		"branch: x" + app + "['!acme/old']":   "submodule_credentials: only exclusions",
		"branch: x" + app + "['acme/*']":      "patterns in submodule_credentials need a GitHub App",
		"branch: x" + app + "[https://]":      "submodule_credentials: ",
		"branch: x" + app + "https://a.b/c/d": "submodule_credentials must be a list",
	} {
		if _, mistakes := parse(t, settingstest.File(keys, "", "")); !strings.Contains(mistakes, want) {
			t.Errorf("%q: %s", keys, mistakes)
		}
	}
}

// TestSubmoduleCredentials sees whose credentials a submodule gets.
func TestSubmoduleCredentials(t *testing.T) {
	tasks, mistakes := parse(t, settingstest.File(`submodules: true
      submodule_credentials: ["https://me:secret@example.com/lib.git", "git@example.com:tools"]`, "", ""))
	if mistakes != "" {
		t.Fatal(mistakes)
	}
	c := tasks[0].Checkout.Credentials
	for address, want := range map[string]string{
		"https://example.com/lib":      "https://example.com/lib.git",
		"https://EXAMPLE.com/lib.git/": "https://example.com/lib.git",
		"https://example.com/lib2":     "",
		"https://example.com/Lib":      "",
		"https://example.org/lib":      "",
		"http://example.com/lib":       "",
		"git@example.com:tools.git":    "git@example.com:tools",
		"other@example.com:tools":      "",
	} {
		url, err := git.ParseURL(address)
		if err != nil {
			t.Fatal(err)
		}
		if found, ok := c.Address(url); ok != (want != "") || ok && found.String() != want {
			t.Errorf("%s: %v, %v", address, found, ok)
		}
	}
	other, _ := parse(t, settingstest.File(`submodules: true
      submodule_credentials: ["https://me:other@example.com/lib.git", "git@example.com:tools"]`, "", ""))
	if other[0].Digest == tasks[0].Digest {
		t.Error("another password is no change")
	}
}
