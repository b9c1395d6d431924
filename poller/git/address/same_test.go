package address

import (
	"os"
	"path/filepath"
	"testing"
)

// TestSame has spellings of one repository, and neighbours.
func TestSame(t *testing.T) {
	dir := t.TempDir()
	real := filepath.Join(dir, "real.git")
	if err := os.Mkdir(real, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("real.git", filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		same bool
		all  []string
	}{
		{true, []string{real, filepath.Join(dir, "real"), "file://" + real, dir + "/x/../real.git/", filepath.Join(dir, "link"), "file://localhost" + dir + "/link"}},
		{true, []string{"https://Host/a/b", "https://host:443/a/b.git", "https://me:word@host/a/b/", "https://host/a/%62", "https://host//a/./b.git"}},
		{true, []string{"git@Host:/a/b.git", "ssh://git@host/a/b", "ssh://git:word@host:22/a/b/", "git+ssh://git@host/a//b", "git@host:a/b"}},
		{true, []string{"host:a/b.git", "ssh://HOST/a/b/"}},
		{false, []string{"https://host/a/b", "http://host/a/b", "https://host/a/B", "https://host:444/a/b", "https://host/a", "ssh://git@host/a/b", "other@host:a/b", filepath.Join(dir, "other"), real}},
	} {
		for i, one := range tt.all {
			for _, other := range tt.all[i+1:] {
				a, err := ParseURL(one)
				b, err2 := ParseURL(other)
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				if a.Same(b) != tt.same || b.Same(a) != tt.same {
					t.Errorf("%s and %s: %v", one, other, a.Same(b))
				}
			}
		}
	}
}
