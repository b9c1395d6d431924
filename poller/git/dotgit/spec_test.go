package dotgit

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/remote"
)

// TestConfigValues gives git addresses that need quotes.
func TestConfigValues(t *testing.T) {
	for _, name := range []string{`plain`, `with space`, `"quoted"`, `back\slash`, `#hash ; semicolon`, `ünïcode`, ` `, "new\nline", "tab\t", "\b", "cr\r", "", "\x7f\x01"} {
		dir := t.TempDir()
		gittest.Write(t, filepath.Join(dir, "config"), "[remote \"origin\"]\n\turl = "+configValue(name)+"\n")
		if got := string(gittest.RawOutput(t, dir, "", "config", "--file", "config", "remote.origin.url")); got != name+"\n" {
			t.Errorf("%q came back as %q", name, got)
		}
	}
}

// TestClashingTags has tags that cannot all be files, as a server can tell them.
func TestClashingTags(t *testing.T) {
	var tags []remote.Tag
	for _, name := range clashingTags() {
		tags = append(tags, remote.Tag{Ref: name})
	}
	s := &Spec{Ref: "refs/tags/own", Tags: Sound(tags)}
	var names []string
	for _, ref := range s.refs() {
		names = append(names, ref.Ref)
	}
	if want := []string{"refs/tags/own", "refs/tags/a", "refs/tags/a-b", "refs/tags/x"}; !slices.Equal(names, want) {
		t.Errorf("refs %v", names)
	}
}

func clashingTags() []string {
	return []string{
		"refs/tags/a", "refs/tags/a/b", "refs/tags/a-b", "refs/tags/x/y/z", "refs/tags/x", "refs/tags/a", "refs/heads/planted",
		"refs/tags/b\n" + strings.Repeat("12", 20), "refs/tags/own/below",
	}
}

// FuzzSoundTags has names of tags that no ref can have.
func FuzzSoundTags(f *testing.F) {
	f.Add("refs/tags/v1 refs/tags/v2")
	f.Add("refs/tags/v\n refs/heads/x refs/tags/a..b")
	f.Fuzz(func(t *testing.T, names string) {
		var tags []remote.Tag
		for name := range strings.SplitSeq(names, "\xff") {
			tags = append(tags, remote.Tag{Ref: name})
		}
		for _, ref := range Sound(tags) {
			if strings.ContainsAny(ref.Ref, "\n\x00 ") {
				t.Errorf("%q was let through", ref.Ref)
			}
		}
	})
}
