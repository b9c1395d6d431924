package git

import (
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// TestLFSBySSH asks the server where its objects are, and what goes there.
func TestLFSBySSH(t *testing.T) {
	r := withLFS(t)
	sha := r.commit(map[string]string{"a.bin": "LFS one"})
	var asked []string
	r.lfs.OnBatch = func(w http.ResponseWriter, req *http.Request) bool {
		if asked = append(asked, req.URL.Path+" "+req.Header.Get("Authorization")); req.Header.Get("Authorization") == "RemoteAuth hunter2" {
			return false
		}
		w.WriteHeader(http.StatusUnauthorized)
		return true
	}
	server := gittest.ServeSSH(t, filepath.Dir(r.Dir))
	for answer, want := range map[string]string{
		`{"href":"` + strings.TrimSuffix(r.url, "/repo.git") + `/of/lfs","header":{"Authorization":"RemoteAuth hunter2"},"expires_in":600}`: "",
		`{"href":"` + strings.TrimSuffix(r.url, "/repo.git") + `/of/lfs"}`:                                                                  "authentication required",
		`nonsense`: "git-lfs-authenticate: the answer is none of Git LFS",
		``:         "git-lfs-authenticate: ",
		`{"href":"http://x.example/","header":{"Authorization":"RemoteAuth hunter2"}}`: "only https is followed",
		strings.Repeat(" ", 70_000): "more than 65536 bytes",
		strings.Repeat(" ", 8<<20):  "more than 65536 bytes", // which the connection does not take all
	} {
		server.LFS = func(repo string) (string, uint32) {
			if repo != "/repo.git" {
				t.Errorf("asked for %q", repo)
			}
			if answer == "" {
				return "", 1
			}
			return answer, 0
		}
		m := mirrorOf(t, server.URL("repo.git"))
		m.Home = server.Home
		dir := filepath.Join(t.TempDir(), "w")
		err := lfsCheckout(t, m, sha, dir, Options{LFS: true})
		if want == "" {
			if err != nil {
				t.Fatal(err)
			}
			holds(t, dir, map[string]string{"a.bin": "LFS one"})
			if len(asked) == 0 || !strings.HasPrefix(asked[len(asked)-1], "/of/lfs/objects/batch ") {
				t.Errorf("asked %q", asked)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), Secret) {
			t.Errorf("%.80s: %v, want %s", answer, err, want)
		}
	}
}

// TestLFSConfigGetsNoToken has the repository name another server, be it on the same host.
func TestLFSConfigGetsNoToken(t *testing.T) {
	r := withLFS(t)
	var seen []string
	other := &gittest.LFS{OnBatch: func(_ http.ResponseWriter, req *http.Request) bool {
		seen = append(seen, req.Header.Get("Authorization"))
		return false
	}}
	server := httptest.NewServer(other)
	t.Cleanup(server.Close)
	pointer := other.Add("of another server")
	for config, want := range map[string]string{
		"[lfs]\n\turl = " + server.URL + "/x\n":                                              "",
		"[lfs]\n\turl = " + strings.Replace(server.URL, "://", "://me:mine@", 1) + "/x\n":    "",
		"[lfs]\n\turl = " + strings.TrimSuffix(r.url, "/repo.git") + "/other.git/info/lfs\n": "authentication required",
		"[lfs]\n\turl = ssh://git@x.example/y\n":                                             "only https is followed",
		"[lfs]\n\turl = http://x.example/y\n":                                                "only https is followed",
		"[lfs]\n\turl = file:///etc\n":                                                       "no address",
		"[lfs\n":                                                                             "read .lfsconfig",
		"[lfs]\n\tconcurrenttransfers = 3\n":                                                 "was it pushed",
		"[lfs]\n\turl = " + r.url + "/info/lfs/\n":                                           "was it pushed",
	} {
		sha := r.Commit(map[string]string{".gitattributes": "*.bin filter=lfs\n", ".lfsconfig": config, "a.bin": pointer})
		seen = nil
		dir := filepath.Join(t.TempDir(), "w")
		err := lfsCheckout(t, r.mirror(t), sha, dir, Options{LFS: true})
		switch {
		case want == "" && err != nil, want != "" && (err == nil || !strings.Contains(err.Error(), want)):
			t.Errorf("%q: %v, want %s", config, err, want)
		case want == "":
			holds(t, dir, map[string]string{"a.bin": "of another server"})
			if len(seen) != 1 || seen[0] != "" || !strings.Contains(r.log.String(), "it gets no credentials") {
				t.Errorf("%q: sent %q, logged %s", config, seen, r.log.String())
			}
		}
	}
}

// TestLFSPointersThatStay are those with extensions, whose programs are not run.
func TestLFSPointersThatStay(t *testing.T) {
	r := withLFS(t)
	oid := strings.Repeat("ab", 32)
	extended := "version https://git-lfs.github.com/spec/v1\next-0-case sha256:" + oid + "\noid sha256:" + oid + "\nsize 5\n"
	sha := r.commit(map[string]string{"a.bin": extended, "b.bin": "LFS one"})
	m := r.mirror(t)
	holds(t, mustSparse(t, m, sha, Options{LFS: true}), map[string]string{"a.bin": extended, "b.bin": "LFS one"})
	if text := r.log.String(); strings.Count(text, "WARN") != 1 || !strings.Contains(text, "name extensions") {
		t.Errorf("logged %s", text)
	}
}
