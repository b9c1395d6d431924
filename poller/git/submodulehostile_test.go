package git

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gitmodules"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestHostileSubmodules says what is wrong with each, and where.
func TestHostileSubmodules(t *testing.T) {
	f := newForge(t, "super", "a")
	good := f.repos["a"].SHA("HEAD")
	const link, file = "160000", "100644"
	blob := func(content string) string {
		return gittest.GitInput(t, f.repos["super"].Dir, content, "hash-object", "-w", "--stdin")
	}
	section := func(url string) string { return blob("[submodule \"x\"]\n\tpath = sub\n\turl = \"" + url + "\"\n") }
	bad := gittest.RawTree(t, f.repos["a"], "40000", ".git", gittest.RawTree(t, f.repos["a"], file, "config", gittest.GitInput(t, f.repos["a"].Dir, "x", "hash-object", "-w", "--stdin")))
	planted := f.repos["a"].Bare("commit-tree", "-m", "planted", bad)
	f.repos["a"].Bare("update-ref", "refs/heads/planted", planted)
	noCommit := f.repos["a"].Bare("rev-parse", good+"^{tree}")
	for name, tt := range map[string]struct {
		entries []string
		wants   []string
	}{
		"no .gitmodules":     {[]string{link, "sub", good}, []string{`submodule "sub"`, "no section with its path"}},
		"no section":         {[]string{file, ".gitmodules", blob("[submodule \"a\"]\npath = a\nurl = ../a.git\n"), link, "sub", good}, []string{`submodule "sub"`, "no section with its path"}},
		"no url":             {[]string{file, ".gitmodules", blob("[submodule \"a\"]\npath = sub\n"), link, "sub", good}, []string{`submodule "sub"`, "no url"}},
		"name climbs":        {[]string{file, ".gitmodules", blob("[submodule \"../x\"]\npath = sub\nurl = ../a.git\n"), link, "sub", good}, []string{`submodule "sub"`, "no section with its path"}},
		"option":             {[]string{file, ".gitmodules", section("--upload-pack=x"), link, "sub", good}, []string{`submodule "sub"`, "no url"}},
		"command":            {[]string{file, ".gitmodules", section("ext::sh -c true"), link, "sub", good}, []string{`submodule "sub"`, "remote helpers"}},
		"password":           {[]string{file, ".gitmodules", section("https://u:hunter2@host/x"), link, "sub", good}, []string{`submodule "sub"`, "password"}},
		"control":            {[]string{file, ".gitmodules", section("https://host/x\\ny"), link, "sub", good}, []string{`submodule "sub"`, "control"}},
		"symlink":            {[]string{"120000", ".gitmodules", section("../a.git"), link, "sub", good}, []string{".gitmodules", "symlink"}},
		"directory":          {[]string{"40000", ".gitmodules", gittest.RawTree(t, f.repos["super"]), link, "sub", good}, []string{`submodule "sub"`, "no section"}},
		"bad config":         {[]string{file, ".gitmodules", blob("[submodule \"x\"]\n\tpath = sub\n\turl = \"open\n"), link, "sub", good}, []string{".gitmodules", "line 3", "quote"}},
		"huge":               {[]string{file, ".gitmodules", blob(strings.Repeat("#", gitmodules.Max+1)), link, "sub", good}, []string{".gitmodules", "larger than"}},
		"null":               {[]string{file, ".gitmodules", section("../a.git"), link, "sub", strings.Repeat("0", 40)}, []string{"refused:", `"sub"`}},
		"named .git":         {[]string{file, ".gitmodules", section("../a.git"), link, ".git", good}, []string{"refused:"}},
		"plants .git":        {[]string{file, ".gitmodules", section("../a.git"), link, "sub", planted}, []string{`submodule "sub"`, "a.git", "refused:"}},
		"no commit":          {[]string{file, ".gitmodules", section("../a.git"), link, "sub", noCommit}, []string{`submodule "sub"`, "a.git", "not a commit"}},
		"never pushed":       {[]string{file, ".gitmodules", section("../a.git"), link, "sub", strings.Repeat("12", 20)}, []string{`submodule "sub": its commit ` + strings.Repeat("12", 20) + " is not on ", "a.git: was it pushed?"}},
		"no such repository": {[]string{file, ".gitmodules", section("../nowhere.git"), link, "sub", good}, []string{`submodule "sub"`, "nowhere.git"}},
	} {
		sha := gittest.CommitTree(t, f.repos["super"], gittest.RawTree(t, f.repos["super"], tt.entries...))
		for way, reach := range some(map[string]func(t *testing.T) (string, *pool){"path": f.ways()["path"], "http": f.overHTTP}) {
			t.Run(name+" over "+way, func(t *testing.T) {
				root, p := reach(t)
				p.fails(t, p.at(root+"/super.git"), sha, tt.wants...)
			})
		}
	}
}

// TestSectionsWithoutSubmodule is about sections that lead nowhere: they do no harm.
func TestSectionsWithoutSubmodule(t *testing.T) {
	f := newForge(t, "super", "a")
	f.link(t, "super", "a", "../a.git", "")
	for _, path := range []string{"/etc", "../up", "super", "a/below", "..", ""} {
		f.repos["super"].Git("config", "--file", ".gitmodules", "submodule.bad"+path+".path", path)
		f.repos["super"].Git("config", "--file", ".gitmodules", "submodule.bad"+path+".url", "ext::sh")
	}
	sha := f.repos["super"].Commit(nil)
	root, p := f.overHTTP(t)
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := p.at(root+"/super.git").Checkout(gittest.Generous(t), refs.Revision{SHA: sha}, dir, Options{Submodules: p.get}); err != nil || read(t, dir, "a/a") != "of a" {
		t.Error(err)
	}
}
