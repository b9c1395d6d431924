package gitmodules

import (
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestParseModules finds the addresses that git finds for the same paths.
func TestParseModules(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	files := append(oddConfigs(),
		"[submodule \"a\"]\npath = a\nurl = https://h/1\n[submodule \"a\"]\nurl = https://h/2\n",
		"[submodule \"a\"]\npath = a\nurl = https://h/1\n[submodule \"b/c\"]\npath = a\nurl = https://h/2\n",
		"[submodule \"a\"]\npath = a\nurl = https://h/1\n[submodule \"b/c\"]\npath = a\nurl = https://h/2\n[submodule \"a\"]\npath = x\n",
		"[submodule \"../a\"]\npath = a\nurl = https://h/1\n", "[submodule \"x/../a\"]\npath = a\nurl = https://h/1\n", "[submodule \"..\"]\npath = a\nurl = https://h/1\n",
		"[submodule \"x\\\\..\"]\npath = a\nurl = https://h/1\n", "[submodule \"..a\"]\npath = a\nurl = https://h/1\n", "[submodule \"\"]\npath = a\nurl = https://h/1\n",
		"[submodule \"a\"]\npath = a\nurl = -u./x\n", "[submodule \"a\"]\npath = a\nurl = https://h/1\nurl = --upload-pack=x\n", "[submodule \"a\"]\npath = -a\nurl = https://h/1\n",
		"[submodule \"a\"]\npath = ./a\nurl = https://h/1\n", "[submodule \"a\"]\npath = a/\nurl = https://h/1\n", "[submodule \"a\"]\npath = /a\nurl = https://h/1\n",
		"[submodule \"a\"]\npath = a\n", "[submodule \"a\"]\nurl = https://h/1\n", "[submodule \"A\"]\nPath = A\nUrl = https://h/1\n",
	)
	n := 60
	if testing.Short() {
		n = 5
	}
	for range n {
		files = append(files, garble(random)+"[submodule \"a\"]\npath = a\nurl = https://h/end\n"+garble(random))
	}
	links := []string{"a", "b/c", "x", "A"}
	dir := t.TempDir()
	gittest.Git(t, dir, "init", "--quiet")
	for _, link := range links {
		gittest.Git(t, dir, "update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+","+link)
	}
	for _, file := range files {
		if strings.Contains(strings.ToLower(file), "update") {
			continue // git refuses what is ignored here
		}
		found := map[string]string{}
		modules, err := Parse([]byte(file))
		for path, m := range modules {
			if slices.Contains(links, path) && m.Url != "" && err == nil {
				if found[path] = m.Url; strings.HasPrefix(m.Url, "./") || strings.HasPrefix(m.Url, "../") {
					found[path] = resolvedAgainst(t, "https://base/x", m.Url)
				}
			}
		}
		if want := modulesOfGit(t, dir, file, links); !maps.Equal(found, want) {
			t.Errorf("%q: %q (%v), git: %q", file, found, err, want)
		}
	}
}

// resolvedAgainst is an address as relative ones are meant.
func resolvedAgainst(t *testing.T, base, relative string) string {
	t.Helper()
	u, err := address.ParseURL(base)
	if err != nil {
		t.Fatal(err)
	}
	resolved, err := u.Submodule(relative)
	if err != nil {
		return ""
	}
	return resolved.String()
}

// modulesOfGit asks git for the address of each path.
func modulesOfGit(t *testing.T, dir, file string, links []string) map[string]string {
	t.Helper()
	gittest.Write(t, filepath.Join(dir, ".gitmodules"), file)
	found := map[string]string{}
	for _, link := range links {
		const config = "[remote \"origin\"]\nurl = https://base/x\n"
		path := gittest.Write(t, filepath.Join(dir, ".git", "config"), config)
		gittest.TryGit(t, dir, "submodule--helper", "init", "--", link)
		if now, err := os.ReadFile(path); err == nil && string(now) == config {
			continue
		}
		list := string(gittest.RawOutput(t, dir, "", "config", "--file", ".git/config", "--list", "-z"))
		for entry := range strings.SplitSeq(list, "\x00") {
			name, value, _ := strings.Cut(entry, "\n")
			if strings.HasPrefix(name, "submodule.") && strings.HasSuffix(name, ".url") && value != "" {
				found[link] = value
			}
		}
	}
	return found
}

func TestParseModulesLimits(t *testing.T) {
	if _, err := Parse([]byte("[submodule \"a\"]\n" + strings.Repeat("#", Max))); err == nil {
		t.Error("a huge file was taken")
	}
	modules, err := Parse([]byte("[submodule \"a\"]\npath=a\nurl=x\nupdate = !touch ran\n[submodule \"b\"]\npath=b\nupdate=none\n[include]\npath = /etc/passwd\n"))
	if err != nil || len(modules) != 2 || modules["a"].None || !modules["b"].None {
		t.Errorf("%v, %v", modules, err)
	}
}

func FuzzModules(f *testing.F) {
	for _, file := range oddConfigs() {
		f.Add([]byte(file))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		modules, err := Parse(data)
		if err != nil {
			return
		}
		for path, m := range modules {
			if m.path != path || strings.HasPrefix(path, "-") || strings.HasPrefix(m.Url, "-") || !moduleName(m.Name) {
				t.Fatalf("%q: %+v", path, m)
			}
		}
	})
}
