package address

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestResolveRelative resolves as git does.
func TestResolveRelative(t *testing.T) {
	t.Parallel()
	addresses := []string{
		"./x", "../x", "../x/", "../x.git", "../../x", "../../group/x", "./../x", ".././x", "../../../x/y", "./x/../y", "..//x", ".//x", "../", "./", "../x y", "../x:y", "./:x",
		"../../host/x", "../../../../x", "../-x", "../%2e%2e/x", "x/y",
	}
	for _, base := range []string{
		"https://host/a", "https://host/a/", "https://host/a/b.git", "https://host:8443/a/b/c", "http://127.0.0.1:8080/a/b", "ssh://git@host/a/b", "ssh://git@host:2222/a", "git@host:a/b.git",
		"git@host:a", "host:/a/b", "git@[::1]:a/b", "file:///srv/a/b.git", "/srv/a/b.git", "/srv/a", "/srv",
	} {
		want := resolvedByGit(t, base, addresses)
		for i, address := range addresses {
			if !isRelative(address) {
				continue
			}
			found, err := resolveRelative(base, address)
			// git goes on where nothing is left to take away, and its fsck refuses what could name another host.
			odd := strings.HasPrefix(want[i], ".") || base[0] == '/' && !strings.HasPrefix(want[i], "/") || strings.Count(address, "../") > strings.Count(base, "/")+1 || strings.Contains(address, "..//") || !strings.ContainsAny(want[i], "/:")
			if err == nil && found != want[i] || err != nil && !odd {
				t.Errorf("%s from %s: %q (%v), git: %q", address, base, found, err, want[i])
			}
		}
	}
}

// resolvedByGit asks git what the addresses of submodules are.
func resolvedByGit(t *testing.T, base string, addresses []string) []string {
	t.Helper()
	dir := t.TempDir()
	gittest.Git(t, dir, "init", "--quiet")
	gittest.Git(t, dir, "config", "remote.origin.url", base)
	var modules, index strings.Builder
	for i, address := range addresses {
		fmt.Fprintf(&modules, "[submodule \"s%d\"]\n\tpath = s%[1]d\n\turl = \"%s\"\n", i, address)
		fmt.Fprintf(&index, "160000 %s\ts%d\n", strings.Repeat("1", 40), i)
	}
	gittest.Write(t, filepath.Join(dir, ".gitmodules"), modules.String())
	gittest.GitInput(t, dir, index.String(), "update-index", "--add", "--index-info")
	resolved := make([]string, len(addresses))
	for i := range addresses {
		// Where git gives up, nothing is printed.
		gittest.TryGit(t, dir, "submodule--helper", "init", "--", fmt.Sprintf("s%d", i))
		resolved[i] = strings.TrimSuffix(gittest.TryGit(t, dir, "config", fmt.Sprintf("submodule.s%d.url", i)), "\n")
	}
	return resolved
}

func TestSubmoduleURL(t *testing.T) {
	const outside = "not from the files of this host"
	for _, tt := range []struct{ base, in, out, err string }{
		{"https://host/a/b", "../c", "https://host/a/c", ""},
		{"https://user:hunter2@host/a/b", "../c", "https://host/a/c", ""},
		{"ssh://git:hunter2@host/a/b", "../c", "ssh://git@host/a/c", ""},
		{"git@host:a/b", "../c", "git@host:a/c", ""},
		{"git@host:a", "../../c", "", "above"},
		{"https://host/a", "https://Other:443/c.git", "https://other/c.git", ""},
		{"https://host/a", "https://user@other/c", "https://other/c", ""},
		{"https://host/a", "https://user:hunter2@other/c", "", "password"},
		{"https://host/a", "https://:hunter2@other/c", "", "password"},
		{"https://host/a", "ssh://git:hunter2@other/c", "", "password"},
		{"https://host/a", "git@other:c", "git@other:c", ""},
		{"https://host/a", "git@other:-c", "", "option"},
		{"https://host/a", "-oProxyCommand=hunter2:c", "", "host name"},
		{"https://host/a", "--upload-pack=hunter2", "", outside},
		{"https://host/a", "ssh://-oProxyCommand=hunter2/c", "", "host name"},
		{"https://host/a", "ext::sh -c hunter2", "", "remote helpers"},
		{"https://host/a", "fd::17/hunter2", "", "remote helpers"},
		{"https://host/a", "git://other/c", "", "neither encrypted"},
		{"https://host/a", "http://other/c", "", "not over http"},
		{"https://host/a", "http://127.0.0.1:80/c", "", "not over http"},
		{"http://host/a", "../c", "", "not over http"},
		{"http://127.0.0.1:1/a", "http://localhost:2/c", "http://localhost:2/c", ""},
		{"http://127.0.0.1:1/a", "http://other/c", "", "not over http"},
		{"ssh://127.0.0.1/a", "http://127.0.0.1/c", "http://127.0.0.1/c", ""},
		{"/srv/a", "http://127.0.0.1/c", "http://127.0.0.1/c", ""},
		{"https://host/a", "/srv/c", "", outside},
		{"https://host/a", "c", "", outside},
		{"https://host/a", "file:///srv/c", "", outside},
		{"/srv/a", "/srv/c", "/srv/c", ""}, // whoever asks decides whether it is let in
		{"/srv/a", "file:///srv/c", "file:///srv/c", ""},
		{"file:///srv/a", "/srv/c", "/srv/c", ""},
		{"/srv/a", "c", "", "absolute"},
		{"/srv/a", "../c", "/srv/c", ""},
		{"/srv/a", "./b:c", "/srv/a/b:c", ""},
		{"/srv/a", "../../../c", "", "above"},
		{"repo", "../c:d", "./c:d", ""},
		{"repo", "../../c", "", "above"},
		{"file:///srv/a", "../c", "file:///srv/c", ""},
		{"file:///srv/a", "../../../../c", "", "above"},
		{"https://host/a", "../../../c", "", "above"},
		{"https://host/a", "../../:other/c", "", "above"},
		{"https://host/a/b", "../../..//other/c", "", "above"},
		{"https://host/a", "../b%0ac", "", "control"},
		{"https://host/a", "https://other/c\nhost=hunter2", "", "control"},
		{"https://host/a", "../c\r", "", "control"},
		{"/srv/a", "../c\n", "", "control"},
		{"https://host/a", "../c?x", "", "no ?"},
		{"https://host/a", "", "", "empty"},
	} {
		base, err := ParseURL(tt.base)
		if err != nil {
			t.Fatal(err)
		}
		u, err := base.Submodule(tt.in)
		switch {
		case err != nil && (tt.out != "" || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "hunter2")):
			t.Errorf("%q from %q: %v", tt.in, tt.base, err)
		case err == nil && (tt.out == "" || u.String() != tt.out):
			t.Errorf("%q from %q: %s, want %q", tt.in, tt.base, u, tt.out+tt.err)
		}
		checkSubmoduleURL(t, base, tt.in)
	}
}

// checkSubmoduleURL holds what must be so of all addresses.
func checkSubmoduleURL(t *testing.T, base URL, address string) {
	t.Helper()
	u, err := base.Submodule(address)
	if err != nil {
		return
	}
	if u.Password.Given() || u.User.Given() && u.Scheme != "ssh" || hasControl(u.Path) {
		t.Errorf("%q from %s: %#v has credentials or control characters", address, base, u)
	}
	if u.Local() && !base.Local() || u.Scheme == "http" && !u.Loopback() {
		t.Errorf("%q from %s: %s", address, base, u)
	}
	if again, err := ParseURL(u.String()); u.Scheme != "" && (err != nil || again != u) {
		t.Errorf("%q from %s: %#v prints as %#v (%v)", address, base, u, again, err)
	}
}

func FuzzSubmoduleURL(f *testing.F) {
	for _, base := range []string{"https://u:p@h/a/b", "git@h:a", "git@[::1]:a/b", "ssh://git:x@h:22/a", "/srv/a", "file:///srv/a", "a", "http://[::1]:1/a"} {
		for _, address := range []string{"../x", "../../../x", "./x/", "..//x", "../:x", "https://u:p@h/x", "git@h:x", "../x@y:z", "../%0a", "../../u:p@h/x", "../#", "../\x00"} {
			f.Add(base, address)
		}
	}
	f.Fuzz(func(t *testing.T, base, address string) {
		if u, err := ParseURL(base); err == nil {
			checkSubmoduleURL(t, u, address)
		}
	})
}
