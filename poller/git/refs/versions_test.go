package refs

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func versions(t *testing.T, rang, match string, prerelease bool) *Versions {
	t.Helper()
	v, err := NewVersions(rang, match, prerelease)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func tagged(names ...string) List {
	var l List
	for i, name := range names {
		l = append(l, Revision{"refs/tags/" + name, fmt.Sprintf("%040x", i)})
	}
	return listSorted(l)
}

func listSorted(l List) List {
	slices.SortFunc(l, func(a, b Revision) int { return strings.Compare(a.Ref, b.Ref) })
	return l
}

func none(string) bool { return false }

// TestVersionsInPairs holds the choice to the order of Semantic Versioning 2.0.0, item 11: of 21
// versions in their order each is compared with all that follow, either way round.
func TestVersionsInPairs(t *testing.T) {
	order := strings.Fields(`0.0.0-0 0.0.0 0.0.1 0.9.10 1.0.0-0 1.0.0-1 1.0.0-11 1.0.0-alpha 1.0.0-alpha.1 1.0.0-alpha.beta
		1.0.0-alpha-a 1.0.0-beta 1.0.0-beta.2 1.0.0-beta.11 1.0.0-rc.1 1.0.0 1.0.10 1.2.0 1.10.0 2.0.0 10.0.0`)
	v := versions(t, ">=0.0.0-0", "", true)
	pairs := 0
	for i, low := range order {
		for _, high := range order[i+1:] {
			pairs++
			for _, tags := range []List{tagged(low, "v"+high), tagged("v"+low, high)} {
				if c := v.Choose(tags, "", none); strings.TrimPrefix(c.Tag.Name(), "v") != high {
					t.Errorf("of %s and %s: %s", low, high, c.Tag.Name())
				}
			}
			if c := v.Choose(tagged(low), "refs/tags/"+high, none); c.Tag != (Revision{Ref: "refs/tags/" + high}) {
				t.Errorf("back from %s to %s", high, c.Tag)
			}
		}
	}
	if pairs < 200 {
		t.Errorf("%d pairs", pairs)
	}
}

// TestNoVersions: what Masterminds' other parser takes for one.
func TestNoVersions(t *testing.T) {
	v := versions(t, "*", "", true)
	for _, name := range strings.Fields("2024-09-22-test 20241122 v1.2 1 v1.02.3 01.2.3 1.2.3.4 1.2.3- 1.2.3-01 1.2.3+ vv1.2.3 V1.2.3 1.2.x release/1.2.3 18446744073709551616.0.0 1.2.3-a..b latest") {
		if c := v.Choose(tagged(name), "", none); c.Tag.Ref != "" || c.Others != 1 {
			t.Errorf("%s is a version", name)
		}
	}
}

func TestVersionsOfARange(t *testing.T) {
	for _, c := range []struct {
		rang, match string
		prerelease  bool
		tags, want  string
	}{
		{">=1 <2", "", false, "v0.9.0 v1.4.0 v1.10.1 v2.0.0 v1.11.0-rc.1", "v1.10.1"},
		{">=1 <2", "", true, "v1.4.0 v2.0.0-rc.1 v1.5.0-rc.1", "v1.5.0-rc.1"},
		{">=1 <2", "", true, "v1.0.0-rc.1", ""},
		{">=1.0.0-rc.1 <2", "", true, "v1.0.0-rc.1 v1.0.0-beta", "v1.0.0-rc.1"},
		{"*", "api/v*", false, "api/v1.2.3 api/v1.10.0 web/v2.0.0 v3.0.0", "api/v1.10.0"},
		{"~1.2", "app-*-final", false, "app-1.2.9-final app-1.3.0-final app-1.2.10", "app-1.2.9-final"},
		{"1.2 - 1.4", "", false, "1.4.9 1.5.0", "1.4.9"},
		{"^1 || ^3", "", false, "1.9.0 2.0.0 3.1.0", "3.1.0"},
	} {
		choice := versions(t, c.rang, c.match, c.prerelease).Choose(tagged(strings.Fields(c.tags)...), "", none)
		if choice.Tag.Ref != "" != (c.want != "") || c.want != "" && choice.Tag.Name() != c.want {
			t.Errorf("%s of %s: %q", c.rang, c.tags, choice.Tag)
		}
	}
}

// TestEqualVersions: nothing orders what differs in build metadata; the newer one runs, and never flips.
func TestEqualVersions(t *testing.T) {
	v := versions(t, "*", "", false)
	two := tagged("1.0.0+9", "1.0.0+10", "0.9.0")
	c := v.Choose(two, "", none)
	if c.Tag.Name() != "1.0.0+10" || len(c.Equals) != 1 || c.Equals[0].Name() != "1.0.0+9" {
		t.Error(c)
	}
	passed := func(ref string) bool { return ref == "refs/tags/1.0.0+9" }
	for range 2 {
		if c := v.Choose(two, "refs/tags/1.0.0+10", passed); c.Tag.Name() != "1.0.0+10" || c.Tag.SHA == "" {
			t.Error(c)
		}
	}
	three := tagged("1.0.0+9", "1.0.0+10", "1.0.0+1")
	if c := v.Choose(three, "refs/tags/1.0.0+10", passed); c.Tag.Name() != "1.0.0+1" || len(c.Equals) != 2 {
		t.Error("a newer one does not run", c)
	}
	if c := v.Choose(tagged("1.0.0+9"), "refs/tags/1.0.0+10", passed); c.Tag != (Revision{Ref: "refs/tags/1.0.0+10"}) {
		t.Error("back to an equal one", c)
	}
}

func TestWrongVersions(t *testing.T) {
	for _, c := range []struct{ rang, match, want string }{
		{"", "", "empty"},
		{">=1 <2-rc", "", "names a prerelease"},
		{"one", "", "no range of versions such as"},
		{"*", "v", "not exactly one *"},
		{"*", "a*b*", "not exactly one *"},
		{"*", "v?*", "not exactly one *"},
		{"*", "a..b*", "no ref contains .."},
		{strings.Repeat(">=1 ", 100), "", "longer than"},
	} {
		if _, err := NewVersions(c.rang, c.match, false); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q %q: %v", c.rang, c.match, err)
		}
	}
}
